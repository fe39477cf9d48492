"""A worker for remote operations of Onex (docs/worker-protocol.md). Add your operations to OPERATIONS at the end.
Environment: KAFKA_BOOTSTRAP_SERVERS, ONEX_TOPIC_PREFIX, COMMANDS_TOPIC, RESULTS_TOPIC, GROUP_ID."""
import collections, json, os, signal, socket, threading, time, uuid
from datetime import datetime, timezone

from confluent_kafka import Consumer, KafkaException, Producer

KAFKA = {"bootstrap.servers": os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092"),
         "topic.metadata.refresh.interval.ms": 5000}  # topics may be created after the worker has started
PREFIX = os.environ.get("ONEX_TOPIC_PREFIX", "")
COMMANDS = PREFIX + os.environ.get("COMMANDS_TOPIC", "pricing-commands")
RESULTS = PREFIX + os.environ.get("RESULTS_TOPIC", "worker-responses")
GROUP = PREFIX + os.environ.get("GROUP_ID", "pricing-workers")

class Rejected(Exception):
    """A final "no": it is not retried."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Cancelled(Exception): pass


class Attempt:
    """What an operation may use: its command's id as the key of idempotency, reports, and cancellation."""

    def __init__(self, worker, command, headers):
        self.worker, self.command, self.headers, self.id = worker, command, headers, command["command_id"]
        self.ends, self.reported = time.monotonic() + command["timeout_ms"] / 1000, 0.0

    def check(self):
        """Call this regularly in a long computation. Raises if it was cancelled or has run out of time."""
        if self.worker.cancelled.get(self.id, 0) >= self.command["attempt"]:
            raise Cancelled()
        if time.monotonic() > self.ends:
            raise TimeoutError("The attempt ran out of time.")

    def progress(self, done, text=None):
        """Reports how far it is, from 0 to 1, at most once a second."""
        self.check()
        if self.command.get("reports") and time.monotonic() - self.reported >= 1:
            kind, self.reported = ("progress" if self.reported else "started"), time.monotonic()
            report = {"report": kind, "progress": done, "text": text, "worker": socket.gethostname()}
            self.worker.send(self.command, self.headers, "onex.report", report)


class Worker:
    def __init__(self, operations):
        self.operations, self.running, self.reads_cancellations = operations, True, threading.Event()
        self.producer = Producer(KAFKA | {"enable.idempotence": True, "message.timeout.ms": 0})  # a result never expires
        self.cancelled = collections.OrderedDict()  # command_id: the latest attempt that must not run
        self.answers = collections.OrderedDict()  # command_id: the final result

    def run(self):
        consumer = Consumer(KAFKA | {"group.id": GROUP, "auto.offset.reset": "earliest",
                                     "enable.auto.offset.store": False, "max.poll.interval.ms": 600000})
        consumer.subscribe([COMMANDS])
        threading.Thread(target=self.read_cancellations, daemon=True).start()
        self.reads_cancellations.wait(5)
        print("ready", flush=True)
        while self.running:
            record = consumer.poll(0.2)
            if record is None or record.error():
                continue
            try:
                self.handle(record)
            except (ValueError, KeyError, TypeError, AttributeError) as malformed:
                print(f"skipped a malformed record: {malformed!r}", flush=True)
            while self.producer.flush(10) and self.running: pass  # the result is durable before the command counts as read
            if len(self.producer):
                break  # it stops without a broker, and another worker runs the command again
            try:
                consumer.store_offsets(record)
            except KafkaException: pass  # the partition belongs to another worker now, which runs the command again
        consumer.close()

    def read_cancellations(self):
        # Every worker reads all partitions, so the group is its own.
        consumer = Consumer(KAFKA | {"group.id": f"{GROUP}-{uuid.uuid4()}", "auto.offset.reset": "latest"})
        consumer.subscribe([COMMANDS + ".cancel"], on_assign=lambda *_: self.reads_cancellations.set())
        while self.running:
            record = consumer.poll(0.2)
            try:
                cancel = json.loads(record.value()) if record is not None and not record.error() else None
                if cancel:
                    remember(self.cancelled, cancel["command_id"], max(cancel["attempt"], self.cancelled.get(cancel["command_id"], 0)))
            except (ValueError, KeyError, TypeError) as malformed:
                print(f"skipped a malformed cancellation: {malformed!r}", flush=True)

    def handle(self, record):
        command = json.loads(record.value())
        headers = {name: (value or b"").decode() for name, value in record.headers() or []}
        key, attempt = command["command_id"], Attempt(self, command, headers)
        if datetime.fromisoformat(command["not_after"].replace("Z", "+00:00")) < datetime.now(timezone.utc):
            return  # the orchestrator does not wait for the result any more
        try:
            attempt.check()
            if key not in self.answers:  # a duplicate, or a retry after a lost result, is answered and not run again
                remember(self.answers, key, self.answer(command, attempt))
            answer = self.answers[key]
        except Cancelled:
            return
        except Exception as failure:  # the outcome is unknown or the cause temporary: it is retried with the same command_id
            answer = {"outcome": "failed", "code": "step_timed_out" if isinstance(failure, TimeoutError) else "operation_failed",
                      "message": str(failure)}
        self.send(command, headers, "onex.result", answer)

    def answer(self, command, attempt):
        operation = self.operations.get(command["operation"])
        if operation is None:
            return {"outcome": "rejected", "code": "operation_unknown", "reach": "not_sent",
                    "message": f"This worker has no operation '{command['operation']}'."}
        try:
            return {"outcome": "completed", "result": operation(command.get("arguments") or {}, attempt)}
        except Rejected as rejection:
            return {"outcome": "rejected", "code": rejection.code, "message": str(rejection)}
        except (KeyError, TypeError) as invalid:
            return {"outcome": "rejected", "code": "arguments_invalid", "message": repr(invalid)}

    def send(self, command, headers, event_type, fields):
        value = {name: command[name] for name in ("command_id", "attempt", "saga_id", "correlation_id")} | fields
        headers = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers} | {
            "event_type": event_type, "message_id": str(uuid.uuid4()), "correlation_id": command["correlation_id"],
            "content_type": "application/json", "schema_version": "1"}
        self.producer.produce(RESULTS, json.dumps(value).encode(), command["command_id"], command["home_partition"],
                              headers=list(headers.items()))


def remember(latest, key, value):
    latest[key] = value
    while len(latest) > 100_000:
        latest.popitem(last=False)


def quote(arguments, attempt):
    if arguments["quantity"] < 1:
        raise Rejected("quantity_too_small", "A basket needs an item.")
    for part in range(arguments.get("seconds") or 0):  # a long computation reports, and can be cancelled
        attempt.progress(part / arguments["seconds"], f"part {part + 1}")
        time.sleep(1)
    return {"cents": 1250 * arguments["quantity"], "sku": arguments["sku"]}


OPERATIONS = {"pricing.quote": quote}

if __name__ == "__main__":
    worker = Worker(OPERATIONS)
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: setattr(worker, "running", False))
    worker.run()
