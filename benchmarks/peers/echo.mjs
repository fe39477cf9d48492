// An HTTP service that answers every request at once. Usage: node echo.mjs PORT
import http from "node:http";

const answer = Buffer.from('{"id":"e-1"}');
http.createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    response.writeHead(200, { "content-type": "application/json", "content-length": answer.length });
    response.end(answer);
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
