/** Starts the server of the workspace and lends it what only the editor can do: ask for the reason of a suppression. */

import { existsSync } from "node:fs";

import * as vscode from "vscode";
import { ExecuteCommandRequest, LanguageClient, type LanguageClientOptions } from "vscode-languageclient/node";

import { serverCommand } from "./command";

const NAME = "sessionlint";
const POLICY_FILES = "**/{sessionlint,pyproject}.toml";

let client: LanguageClient | undefined;

/** Called by VS Code when the first Python file is opened. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel(NAME, { log: true });
  context.subscriptions.push(
    log,
    vscode.commands.registerCommand("sessionlint.showLog", () => log.show()),
    vscode.commands.registerCommand("sessionlint.restart", async () => {
      await stop();
      await start(log);
    }),
    vscode.commands.registerCommand("sessionlint.askAndSuppress", askAndSuppress),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration("sessionlint.command")) {
        await stop();
        await start(log);
      }
    }),
  );
  await start(log);
}

/** Called by VS Code at the end. */
export async function deactivate(): Promise<void> {
  await stop();
}

async function start(log: vscode.LogOutputChannel): Promise<void> {
  const stated = vscode.workspace.getConfiguration(NAME).get<string[]>("command", []);
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const { program, args } = serverCommand(stated, folder, existsSync);
  const options: LanguageClientOptions = {
    documentSelector: [
      { scheme: "file", language: "python" },
      { scheme: "file", pattern: POLICY_FILES },
    ],
    initializationOptions: { asksForReason: true },
    outputChannel: log,
  };
  client = new LanguageClient(NAME, NAME, { command: program, args: [...args], options: { cwd: folder } }, options);
  try {
    await client.start();
  } catch (error) {
    log.error(String(error));
    const show = "Show the log";
    const answer = await vscode.window.showErrorMessage(
      `sessionlint could not start '${program}'. In the project's environment, run: pip install 'sessionlint[server]'`,
      show,
    );
    if (answer === show) {
      log.show();
    }
  }
}

async function stop(): Promise<void> {
  const running = client;
  client = undefined;
  if (running?.isRunning()) {
    await running.stop();
  }
}

/** Asks why a finding is to be suppressed; nothing happens without a reason. */
async function askAndSuppress(finding: unknown, code: string): Promise<void> {
  const reason = await vscode.window.showInputBox({
    title: `Suppress ${code}`,
    prompt: "Why is this right here? The reason becomes part of the comment.",
    validateInput: (text) => (/[\p{L}\p{N}]/u.test(text) ? undefined : "A suppression needs a reason."),
  });
  if (reason !== undefined) {
    await client?.sendRequest(ExecuteCommandRequest.type, { command: "sessionlint.suppress", arguments: [finding, reason] });
  }
}
