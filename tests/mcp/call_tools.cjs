// The official TypeScript client, which holds every result to the tool's own schema: lists the tools, makes the calls that it
// is told, and prints what came of each. An error that the client throws is printed as one.
const { createRequire } = require("node:module");
const path = require("node:path");

const library = createRequire(path.join(process.env.TEST_NODE_BIN, "..", "package.json"));
const { Client } = library("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = library("@modelcontextprotocol/sdk/client/stdio.js");

async function main() {
  const { command, calls } = JSON.parse(process.argv[2]);
  const transport = new StdioClientTransport({ command: command[0], args: command.slice(1), env: process.env, stderr: "ignore" });
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  await client.listTools();
  for (const [name, args] of calls) {
    let came;
    try {
      came = await client.callTool({ name, arguments: args });
    } catch (error) {
      came = { thrown: String(error) };
    }
    console.log(JSON.stringify(came));
  }
  await client.close();
}

main();
