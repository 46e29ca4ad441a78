// Measures the sequences of unpacked lists and sorted sets: time per call, and memory against the bytes that have to be
// held. Times are processor time of the process, so that a busy machine changes them little. Build first:
// `node scripts/build.mjs`.
//
//   node --expose-gc bench/micro/sequence.mjs [elements…]        default: 100000 1000000
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

// Another built tree can be measured: FERRITE_DIST=/tmp/out node bench/micro/sequence.mjs
const dist = process.env["FERRITE_DIST"];
const root = dist === undefined ? new URL("../../dist/", import.meta.url) : pathToFileURL(`${dist}/`);
const { PieceHeap } = await import(new URL("value/heap/piece-heap.js", root).href);
const { ListSequence } = await import(new URL("value/sequence/list-sequence.js", root).href);
const { ScoreSequence } = await import(new URL("value/sequence/score-sequence.js", root).href);

const MEMBER_BYTES = 20;
const WALK = 10;

function time(name, count, body) {
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  const start = process.cpuUsage();
  body();
  const { user, system } = process.cpuUsage(start);
  const ns = ((user + system) * 1e3) / count;
  const grown = Math.max(0, process.memoryUsage().heapUsed - heap) / 1024;
  console.log(
    `  ${name.padEnd(34)} ${ns.toFixed(1).padStart(8)} ns   V8 heap ${grown.toFixed(0).padStart(6)} KiB`,
  );
}

/** Bytes used and reserved for each byte that has to be held: the elements and two bytes of length for each. */
function memory(name, sequence, heap, ideal) {
  const used = (sequence.memoryBytes / ideal).toFixed(3);
  console.log(
    `  ${name.padEnd(34)} ${used.padStart(8)} ×    reserved ${(heap.reservedBytes / ideal).toFixed(3)} ×`,
  );
}

/** A buffer of members of 20 bytes, and their numbers in an order that jumps. */
function makeMembers(count) {
  const bytes = Buffer.alloc(count * MEMBER_BYTES);
  for (let i = 0; i < count; i++) {
    bytes.write(`member:${String(i).padStart(MEMBER_BYTES - 7, "0")}`, i * MEMBER_BYTES, "latin1");
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function shuffledNumbers(count) {
  const numbers = Int32Array.from({ length: count }, (_, i) => i);
  let seed = 12345;
  for (let i = count - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    const j = seed % (i + 1);
    [numbers[i], numbers[j]] = [numbers[j], numbers[i]];
  }
  return numbers;
}

function scores(count) {
  const members = makeMembers(count);
  const order = shuffledNumbers(count);
  const other = shuffledNumbers(count).reverse();
  const ideal = count * (8 + MEMBER_BYTES + 2);
  console.log(`ScoreSequence, ${count.toLocaleString("en")} members of ${MEMBER_BYTES} B`);

  let heap = new PieceHeap();
  const rising = new ScoreSequence(heap);
  time("insert, rising", count, () => {
    for (let i = 0; i < count; i++) rising.insert(i, members, i * MEMBER_BYTES, MEMBER_BYTES);
  });
  memory("memory, rising", rising, heap, ideal);
  rising.release(Number.POSITIVE_INFINITY);

  heap = new PieceHeap();
  const sequence = new ScoreSequence(heap);
  const score = (i) => i * 1.5;
  time("insert, random", count, () => {
    for (let i = 0; i < count; i++) {
      const n = order[i];
      sequence.insert(score(n), members, n * MEMBER_BYTES, MEMBER_BYTES);
    }
  });
  memory("memory, random", sequence, heap, ideal);
  let sum = 0;
  time("rankOf", count, () => {
    for (let i = 0; i < count; i++) {
      const n = other[i];
      sum += sequence.rankOf(score(n), members, n * MEMBER_BYTES, MEMBER_BYTES) - n;
    }
  });
  if (sum !== 0) throw new Error("a rank is wrong");
  time(`seekRank, walk ${WALK}`, count, () => {
    for (let i = 0; i < count; i++) {
      sequence.seekRank(Math.min(other[i], count - WALK));
      for (let j = 0; j < WALK; j++) {
        sum += sequence.length;
        sequence.next();
      }
    }
  });
  time("seekScore", count, () => {
    for (let i = 0; i < count; i++) sum += sequence.seekScore(score(other[i]), false);
  });
  time("change, in place", count, () => {
    for (let i = 0; i < count; i++) {
      const n = other[i];
      sequence.change(score(n), members, n * MEMBER_BYTES, MEMBER_BYTES, score(n) + 0.25);
    }
  });
  time("change, to anywhere", count, () => {
    for (let i = 0; i < count; i++) {
      const n = order[i];
      sequence.change(score(n) + 0.25, members, n * MEMBER_BYTES, MEMBER_BYTES, score(other[n]));
    }
  });
  const capture = sequence.capture();
  time("capture, per entry", count, () => {
    while (capture.nextLeaf()) {
      for (let i = 0; i < capture.count; i++) {
        capture.place(i);
        sum += capture.length + capture.score;
      }
    }
  });
  capture.release();
  time("remove, random", count, () => {
    for (let i = 0; i < count; i++) {
      const n = order[i];
      sequence.remove(score(other[n]), members, n * MEMBER_BYTES, MEMBER_BYTES);
    }
  });
  if (sequence.size !== 0 || heap.usedBytes > 10_000) throw new Error("something is left");

  const lex = new ScoreSequence(new PieceHeap());
  time("insert, random, equal scores", count, () => {
    for (let i = 0; i < count; i++) lex.insert(0, members, order[i] * MEMBER_BYTES, MEMBER_BYTES);
  });
  time("seekLex", count, () => {
    for (let i = 0; i < count; i++) sum += lex.seekLex(members, other[i] * MEMBER_BYTES, MEMBER_BYTES, false);
  });
  return sum;
}

function lists(count) {
  const members = makeMembers(count);
  const other = shuffledNumbers(count);
  const ideal = count * (MEMBER_BYTES + 2);
  console.log(`ListSequence, ${count.toLocaleString("en")} elements of ${MEMBER_BYTES} B`);
  let heap = new PieceHeap();
  const first = new ListSequence(heap);
  time("pushFirst", count, () => {
    for (let i = 0; i < count; i++) first.pushFirst(members, i * MEMBER_BYTES, MEMBER_BYTES);
  });
  memory("memory, pushed first", first, heap, ideal);
  time("popLast", count, () => {
    for (let i = 0; i < count; i++) first.popLast();
  });

  heap = new PieceHeap();
  const list = new ListSequence(heap);
  time("pushLast", count, () => {
    for (let i = 0; i < count; i++) list.pushLast(members, i * MEMBER_BYTES, MEMBER_BYTES);
  });
  memory("memory, pushed last", list, heap, ideal);
  let sum = 0;
  time("seek", count, () => {
    for (let i = 0; i < count; i++) {
      list.seek(other[i]);
      sum += list.length;
    }
  });
  time("walk", count, () => {
    list.seekFirst();
    do sum += list.length;
    while (list.next());
  });
  time("walk back", count, () => {
    list.seekLast();
    do sum += list.length;
    while (list.previous());
  });
  time("replace, same length", count, () => {
    for (let i = 0; i < count; i++) {
      list.seek(other[i]);
      list.replace(members, i * MEMBER_BYTES, MEMBER_BYTES);
    }
  });
  time("copy, per element", count, () => {
    const copy = list.copy();
    copy.release(Number.POSITIVE_INFINITY);
  });
  time("insertAfter, random", count, () => {
    for (let i = 0; i < count; i++) {
      list.seek(other[i]);
      list.insertAfter(members, i * MEMBER_BYTES, MEMBER_BYTES);
    }
  });
  memory("memory, half in random places", list, heap, 2 * ideal);
  time("removeRange of half, per element", count, () => list.removeRange(count >> 1, count));
  time("popFirst", count, () => {
    for (let i = 0; i < count; i++) list.popFirst();
  });
  return sum;
}

/** Time of a read that has to wait for the one before, in 48 MB: what a miss costs on this machine at this moment. */
function misses() {
  const count = 12_000_000;
  const order = shuffledNumbers(count);
  const following = new Int32Array(count);
  for (let i = 0; i < count; i++) following[order[i]] = order[(i + 1) % count];
  let at = order[0];
  time("a dependent read in 48 MB", 1_000_000, () => {
    for (let i = 0; i < 1_000_000; i++) at = following[at];
  });
  return at;
}

const machine = readFileSync("/proc/cpuinfo", "utf8").match(/model name\s*: (.*)/)?.[1] ?? process.arch;
console.log(`${machine}, node ${process.version}`);
misses();
const counts = process.argv.slice(2).map(Number);
for (const count of counts.length > 0 ? counts : [100_000, 1_000_000]) {
  scores(count);
  lists(count);
}
