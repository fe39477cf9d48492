// A worker for remote operations of Onex (docs/worker-protocol.md). Add your operations to `operations` at the end.
// Environment: KAFKA_BOOTSTRAP_SERVERS, ONEX_TOPIC_PREFIX, COMMANDS_TOPIC, RESULTS_TOPIC, GROUP_ID.
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel, Partitioners, type IHeaders, type KafkaMessage } from "kafkajs";

const environment = process.env;
const prefix = environment.ONEX_TOPIC_PREFIX ?? "";
const commands = prefix + (environment.COMMANDS_TOPIC ?? "pricing-commands");
const results = prefix + (environment.RESULTS_TOPIC ?? "worker-responses");
const group = prefix + (environment.GROUP_ID ?? "pricing-workers");

type Json = { [name: string]: any };
type Operation = (args: Json, attempt: Attempt) => Promise<Json> | Json;

interface Command {
  command_id: string; attempt: number; saga_id: string; correlation_id: string; operation: string;
  arguments?: Json; home_partition: number; timeout_ms: number; not_after: string; reports?: boolean;
}

interface Answer { outcome: "completed" | "rejected" | "failed"; result?: Json; code?: string; message?: string; reach?: string }

/** A final "no": it is not retried. */
export class Rejected extends Error {
  constructor(readonly code: string, message: string) { super(message); }
}

class Cancelled extends Error {}
class TimedOut extends Error {}

/** What an operation may use: its command's id as the key of idempotency, reports, and cancellation. */
class Attempt {
  private reported = 0;
  private readonly ends: number;
  constructor(readonly command: Command, private readonly headers: IHeaders) { this.ends = Date.now() + command.timeout_ms; }

  /** Call this regularly in a long computation. Throws if it was cancelled or has run out of time. */
  check(): void {
    if ((cancelled.get(this.command.command_id) ?? 0) >= this.command.attempt) throw new Cancelled();
    if (Date.now() > this.ends) throw new TimedOut("The attempt ran out of time.");
  }

  /** Reports how far it is, from 0 to 1, at most once a second. */
  async progress(done: number, text?: string): Promise<void> {
    this.check();
    if (!this.command.reports || Date.now() - this.reported < 1000) return;
    const report = this.reported === 0 ? "started" : "progress";
    this.reported = Date.now();
    await send(this.command, this.headers, "onex.report", { report, progress: done, text, worker: hostname() });
  }
}

const kafka = new Kafka({ brokers: (environment.KAFKA_BOOTSTRAP_SERVERS ?? "127.0.0.1:9092").split(","), logLevel: logLevel.ERROR });
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
const cancelled = new Map<string, number>(); // command_id: the latest attempt that must not run
const answers = new Map<string, Answer>(); // command_id: the final result

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  if (map.size > 100_000) map.delete(map.keys().next().value!);
}

async function send(command: Command, incoming: IHeaders, eventType: string, fields: Json): Promise<void> {
  const { command_id, attempt, saga_id, correlation_id, home_partition } = command;
  const headers: IHeaders = {
    event_type: eventType, message_id: randomUUID(), correlation_id, content_type: "application/json", schema_version: "1",
  };
  for (const name of ["traceparent", "tracestate"]) if (incoming[name]) headers[name] = incoming[name];
  const value = JSON.stringify({ command_id, attempt, saga_id, correlation_id, ...fields });
  await producer.send({ topic: results, messages: [{ key: command_id, value, headers, partition: home_partition }] });
}

async function answer(command: Command, attempt: Attempt): Promise<Answer> {
  const operation = operations[command.operation];
  if (!operation) {
    const message = `This worker has no operation '${command.operation}'.`;
    return { outcome: "rejected", code: "operation_unknown", reach: "not_sent", message };
  }
  try {
    return { outcome: "completed", result: await operation(command.arguments ?? {}, attempt) };
  } catch (failure) {
    if (failure instanceof Rejected) return { outcome: "rejected", code: failure.code, message: failure.message };
    throw failure;
  }
}

async function handle(record: KafkaMessage): Promise<void> {
  const command: Command = JSON.parse(record.value!.toString());
  if (typeof command?.command_id !== "string" || typeof command.home_partition !== "number") throw new TypeError("It is not a command.");
  if (Date.parse(command.not_after) < Date.now()) return; // the orchestrator does not wait for the result any more
  const headers = record.headers ?? {};
  const attempt = new Attempt(command, headers);
  let result: Answer;
  try {
    attempt.check();
    // A duplicate, or a retry after a lost result, is answered and not run again.
    result = answers.get(command.command_id) ?? await answer(command, attempt);
    remember(answers, command.command_id, result);
  } catch (failure) { // the outcome is unknown or the cause temporary: it is retried with the same command_id
    if (failure instanceof Cancelled) return;
    const code = failure instanceof TimedOut ? "step_timed_out" : "operation_failed";
    result = { outcome: "failed", code, message: String(failure) };
  }
  await send(command, headers, "onex.result", result);
}

async function run(topic: string, groupId: string, fromBeginning: boolean, each: (record: KafkaMessage) => Promise<void>) {
  const consumer = kafka.consumer({ groupId, retry: { retries: 1000 } });
  await consumer.connect();
  while (!await consumer.subscribe({ topic, fromBeginning }).then(() => true, () => false)) await sleep(500); // no such topic yet
  const joined = new Promise(resolve => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.run({
    partitionsConsumedConcurrently: 4,
    eachMessage: async ({ message }) => {
      try {
        await each(message);
      } catch (malformed) {
        if (!(malformed instanceof SyntaxError || malformed instanceof TypeError)) throw malformed; // read again later
        console.log(`skipped a malformed record: ${malformed}`);
      }
    },
  });
  await joined;
  return consumer;
}

const operations: Record<string, Operation> = {
  "pricing.quote": async (args, attempt) => {
    if (typeof args.sku !== "string" || typeof args.quantity !== "number") throw new Rejected("arguments_invalid", "It needs a sku.");
    if (args.quantity < 1) throw new Rejected("quantity_too_small", "A basket needs an item.");
    for (let part = 0; part < (args.seconds ?? 0); part++) { // a long computation reports, and can be cancelled
      await attempt.progress(part / args.seconds, `part ${part + 1}`);
      await sleep(1000);
    }
    return { cents: 1250 * args.quantity, sku: args.sku };
  },
};

await producer.connect();
const cancellations = await run(`${commands}.cancel`, `${group}-${randomUUID()}`, false, async record => {
  const { command_id, attempt } = JSON.parse(record.value!.toString());
  remember(cancelled, command_id, Math.max(attempt, cancelled.get(command_id) ?? 0));
});
const worker = await run(commands, group, true, handle);
console.log("ready");
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, async () => {
  await Promise.all([worker.disconnect(), cancellations.disconnect()]);
  await producer.disconnect();
});
