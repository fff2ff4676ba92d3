import assert from "node:assert/strict";
import { test } from "node:test";

import { serverCommand } from "../src/command";

const nothing = () => false;

test("what the setting states is started as it is", () => {
  const found = serverCommand(["${workspaceFolder}/env/bin/sessionlint", "server", "--debug"], "/home/me/app", nothing);
  assert.deepEqual(found, { program: "/home/me/app/env/bin/sessionlint", args: ["server", "--debug"] });
});

test("the environment of the folder is preferred", () => {
  const found = serverCommand([], "/app", (file) => file === "/app/venv/bin/sessionlint", "linux");
  assert.deepEqual(found, { program: "/app/venv/bin/sessionlint", args: ["server"] });
});

test("an environment on Windows holds its programs elsewhere", () => {
  const found = serverCommand([], "C:\\app", () => true, "win32");
  assert.equal(found.program, "C:\\app\\.venv\\Scripts\\sessionlint.exe");
});

test("otherwise the path decides", () => {
  assert.deepEqual(serverCommand([], "/app", nothing), { program: "sessionlint", args: ["server"] });
  assert.deepEqual(serverCommand([], undefined, () => true), { program: "sessionlint", args: ["server"] });
});
