// A session of the TypeScript SDK 1: reads a plan from stdin, writes what the client saw to stdout.
import { readFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const plan = JSON.parse(readFileSync(0, "utf8"));
const [command, ...args] = plan.command;
const client = new Client({ name: "peer", version: "1" });
await client.connect(new StdioClientTransport({ command, args, env: process.env, stderr: "ignore" }));
const seen = { tools: (await client.listTools()).tools, results: [], micros: [] };
for (const [name, given] of plan.calls) {
  const begun = process.hrtime.bigint();
  const result = await client.callTool({ name, arguments: given }).catch((error) => ({ raised: String(error) }));
  seen.micros.push(Number(process.hrtime.bigint() - begun) / 1000);
  seen.results.push(result);
}
await client.close();
process.stdout.write(JSON.stringify(seen), () => process.exit(0));
