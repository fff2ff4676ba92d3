/** Which program serves a folder. */

import * as path from "node:path";

/** A program and its arguments. */
export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/**
 * The program to start.
 *
 * @param stated the setting: program and arguments; empty when nothing is stated
 * @param folder the first workspace folder, if there is one
 * @param exists whether a file is there
 */
export function serverCommand(
  stated: readonly string[],
  folder: string | undefined,
  exists: (file: string) => boolean,
  platform: NodeJS.Platform = process.platform,
): ServerCommand {
  const [program, ...args] = stated.map((part) => part.replaceAll("${workspaceFolder}", folder ?? "."));
  if (program) {
    return { program, args };
  }
  const found = environments(folder, platform).find(exists);
  return { program: found ?? "sessionlint", args: ["server"] };
}

function environments(folder: string | undefined, platform: NodeJS.Platform): string[] {
  if (!folder) {
    return [];
  }
  const windows = platform === "win32";
  const join = windows ? path.win32.join : path.posix.join;
  const inside = windows ? ["Scripts", "sessionlint.exe"] : ["bin", "sessionlint"];
  return [".venv", "venv"].map((environment) => join(folder, environment, ...inside));
}
