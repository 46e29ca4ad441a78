/**
 * INFO: chooses sections and puts them together; what they say is in info-sections.ts and info-counters.ts.
 *
 * Invariants: sections come in one order, whatever order they were asked for in; an unknown name adds nothing;
 * names and formats of Redis's fields are Redis's, and what only Ferrite has is added behind them.
 */
import type { InfoFace } from "../commands/server-face.ts";
import { commandStatistics, errorStatistics, latencyStatistics, statistics } from "./info-counters.ts";
import {
  clients,
  cluster,
  keyspace,
  memory,
  modules,
  persistence,
  processor,
  replication,
  server,
  tiering,
} from "./info-sections.ts";
import type { InfoSources } from "./info-sources.ts";

interface Section {
  readonly name: string;
  readonly title: string;
  readonly byDefault: boolean;
  readonly lines: (sources: InfoSources) => readonly string[];
}

const SECTIONS: readonly Section[] = [
  { name: "server", title: "Server", byDefault: true, lines: server },
  { name: "clients", title: "Clients", byDefault: true, lines: clients },
  { name: "memory", title: "Memory", byDefault: true, lines: memory },
  { name: "persistence", title: "Persistence", byDefault: true, lines: persistence },
  { name: "stats", title: "Stats", byDefault: true, lines: statistics },
  { name: "replication", title: "Replication", byDefault: true, lines: replication },
  { name: "cpu", title: "CPU", byDefault: true, lines: processor },
  { name: "modules", title: "Modules", byDefault: true, lines: modules },
  { name: "commandstats", title: "Commandstats", byDefault: false, lines: commandStatistics },
  { name: "errorstats", title: "Errorstats", byDefault: true, lines: errorStatistics },
  { name: "latencystats", title: "Latencystats", byDefault: false, lines: latencyStatistics },
  { name: "cluster", title: "Cluster", byDefault: true, lines: cluster },
  { name: "keyspace", title: "Keyspace", byDefault: true, lines: keyspace },
  { name: "tiering", title: "Tiering", byDefault: true, lines: tiering },
];

export class InfoReport implements InfoFace {
  readonly #sources: InfoSources;

  constructor(sources: InfoSources) {
    this.#sources = sources;
  }

  render(names: readonly string[]): string {
    const wanted = wantedSections(names);
    return SECTIONS.filter((section) => wanted.has(section.name))
      .map((section) => this.#section(section))
      .join("\r\n");
  }

  #section(section: Section): string {
    const lines = section.lines(this.#sources).map((line) => `${line}\r\n`);
    return `# ${section.title}\r\n${lines.join("")}`;
  }
}

function wantedSections(names: readonly string[]): ReadonlySet<string> {
  const wanted = new Set<string>();
  for (const given of names.length === 0 ? ["default"] : names) {
    const name = given.toLowerCase();
    for (const section of SECTIONS) {
      // "all" leaves out what modules generate, "everything" does not.
      const all = name === "everything" || (name === "all" && section.name !== "modules");
      if (all || name === section.name || (name === "default" && section.byDefault)) wanted.add(section.name);
    }
  }
  return wanted;
}
