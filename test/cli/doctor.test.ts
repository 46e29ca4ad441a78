import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeHost } from "./fake-host.ts";

interface Finding {
  check: string;
  status: string;
  found: string;
  advice?: string;
}

let host: FakeHost;
beforeEach(() => {
  host = new FakeHost();
});
afterEach(() => host.dispose());

async function examine(
  ...words: string[]
): Promise<{ code: number; ok: boolean; of: (check: string) => Finding }> {
  host.output = "";
  const code = await host.run("doctor", "--json", ...words);
  const report = JSON.parse(host.output) as { ok: boolean; checks: Finding[] };
  return { code, ok: report.ok, of: (check) => report.checks.find((finding) => finding.check === check)! };
}

describe("doctor", () => {
  it("finds a good machine good and leaves nothing behind", async () => {
    const { code, ok, of } = await examine();
    expect([code, ok]).toEqual([0, true]);
    expect(of("node").status).toBe("ok");
    expect(of("data-directory").found).toBe(`${host.path("data")} does not exist yet and can be created`);
    expect(of("sync").found).toMatch(/^a write of 2KB is on disk after \d+\.\d\d ms/);
    expect(of("port").found).toBe("127.0.0.1:6379 is free");
    expect(host.files.listSync(host.workingFolder)).toEqual([]);
  });

  it("prints text with advice for people", async () => {
    host.addonText = "it was not built";
    expect(await host.run("doctor")).toBe(0);
    expect(host.output).toMatch(/^ok {4}node/);
    expect(host.output).toMatch(/^warn {2}addon {11}it was not built\n +→ the portable path serves/m);
    expect(host.output).toMatch(/\d+ ok, \d+ to look at, 0 failed\n$/);
    expect(host.output).not.toContain("\u001b");
  });

  it("judges Node, the addon and limits", async () => {
    host.nodeVersion = "18.20.0";
    host.addonText = "it was not built";
    host.systemTexts["/proc/self/limits"] =
      "Limit  Soft  Hard  Units\nMax open files            1024                 4096                 files\n";
    host.systemTexts["/proc/sys/vm/overcommit_memory"] = "2\n";
    host.systemTexts["/sys/kernel/mm/transparent_hugepage/enabled"] = "always [madvise] never\n";
    const { code, of } = await examine("--set", "server.io=native");
    expect(code).toBe(1);
    expect(of("node")).toMatchObject({ status: "fail", found: "Node 18.20.0" });
    expect(of("addon")).toMatchObject({ status: "fail", found: "it was not built" });
    expect(of("open-files")).toMatchObject({
      status: "warn",
      found: "limit 1024, 10128 needed for server.max_clients = 10000",
    });
    expect(of("overcommit").status).toBe("warn");
    expect(of("huge-pages").found).toContain("madvise");
    host.nodeVersion = "20.20.2";
    expect((await examine()).of("node").status).toBe("warn");
  });

  it("reports what is wrong with the configuration and goes on with the defaults", async () => {
    host.write("ferrite.toml", "[server]\nprot = 1\n");
    const { code, of } = await examine();
    expect(code).toBe(1);
    expect(of("configuration")).toMatchObject({
      status: "fail",
      found: "unknown option 'server.prot' in ferrite.toml line 2; did you mean 'server.port'?",
    });
    expect(of("port").status).toBe("ok");
  });

  it("tells a port in use by another program from one that belongs to a running server", async () => {
    host.listenCodes["127.0.0.1:6379"] = "EADDRINUSE";
    expect((await examine()).of("port")).toMatchObject({ status: "fail", found: "127.0.0.1:6379 is in use" });

    host.files.makeDirectorySync(host.path("data"));
    const lock = host.files.lockSync(host.path("data/LOCK"), "ferrite 1 pid 42")!;
    const { code, of } = await examine();
    expect(of("lock").found).toMatch(/^in use by another process \(.*ferrite 1 pid 42/);
    expect(of("port").status).toBe("warn");
    expect(code).toBe(0);
    lock.release();
    expect((await examine()).of("lock").status).toBe("ok");
  });

  it("finds a data directory that cannot be one", async () => {
    host.write("data", "a file");
    const { code, of } = await examine();
    expect(code).toBe(1);
    expect(of("data-directory")).toMatchObject({
      status: "fail",
      found: `${host.path("data")} is not a folder`,
    });
  });

  it("checks the append-only file", async () => {
    host.files.makeDirectorySync(host.path("data/aof"));
    expect((await examine()).of("aof")).toMatchObject({ status: "ok", found: "the log is intact" });
    host.aofOutcome = { report: {}, verdict: "torn", summary: "5 bytes at the end are incomplete" };
    expect((await examine()).of("aof").status).toBe("warn");
    host.aofOutcome = { report: {}, verdict: "damaged", summary: "part 1 is damaged at 17" };
    const { code, of } = await examine();
    expect([code, of("aof").status, of("aof").found]).toEqual([1, "fail", "part 1 is damaged at 17"]);
  });
});
