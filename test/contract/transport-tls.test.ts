/** What TLS adds to the portable transport: handshakes that fail or never end, and new certificates. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as connectNet } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { PortableTransport } from "../../src/adapters/node/transport.ts";
import { connectionSlot } from "../../src/base/ids.ts";
import { TURN_DATA, TURN_STRIDE } from "../../src/ports/transport.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "./transport-tls-pem.ts";

describe("TLS transport", () => {
  let transport: PortableTransport | undefined;

  async function start(onRefused: (count: number, code: string) => void = () => {}): Promise<number> {
    const created = new PortableTransport({ tls: { cert: TEST_CERTIFICATE, key: TEST_KEY }, onRefused });
    transport = created;
    created.onTurn((turn) => {
      for (let at = 0; at < turn.count * TURN_STRIDE; at += TURN_STRIDE) {
        if (turn.events[at + 1] !== TURN_DATA) continue;
        const entries = Int32Array.of(turn.events[at]!, turn.events[at + 2]!, turn.events[at + 3]!);
        created.send({ bytes: turn.arena, entries, count: 1 });
        created.close(connectionSlot(turn.events[at]!), true);
      }
    });
    return (await created.listen({ kind: "tcp", host: "127.0.0.1", port: 0 })).port;
  }

  async function serialOf(port: number, ca: string): Promise<string> {
    const socket = connectTls({ port, host: "127.0.0.1", ca, servername: "localhost" });
    await once(socket, "secureConnect");
    const serial = socket.getPeerCertificate().serialNumber;
    socket.write("echo");
    const [bytes] = (await once(socket, "data")) as [Buffer];
    expect(bytes.toString()).toBe("echo");
    await once(socket, "close");
    return serial;
  }

  afterEach(async () => {
    await transport?.shutdown(0);
  });

  it("reports a handshake that is none, and goes on", async () => {
    let refused: (code: string) => void = () => {};
    const reported = new Promise<string>((resolve) => {
      refused = resolve;
    });
    const port = await start((_count, code) => refused(code));
    const socket = connectNet(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("*1\r\n$4\r\nPING\r\n");
    expect(await reported).toMatch(/SSL/);
    await serialOf(port, TEST_CERTIFICATE);
  });

  it("drops connections that are still in their handshake when it shuts down", async () => {
    const port = await start();
    const socket = connectNet(port, "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
    // Accepted in order, so that the server knows the first one when the second has been served.
    await serialOf(port, TEST_CERTIFICATE);
    const closed = once(socket, "close");
    await transport!.shutdown(50);
    await closed;
  });

  it("uses a new certificate for new connections", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ferrite-tls-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const options = [
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-subj",
      "/CN=localhost",
    ];
    const made = spawnSync("openssl", ["req", ...options, "-keyout", key, "-out", cert]);
    expect(made.status, "openssl makes the second certificate").toBe(0);
    const port = await start();
    const before = await serialOf(port, TEST_CERTIFICATE);
    transport!.setTls({ cert: readFileSync(cert), key: readFileSync(key) });
    const after = await serialOf(port, readFileSync(cert, "utf8"));
    expect(after).not.toBe(before);
    rmSync(folder, { recursive: true });
  });
});
