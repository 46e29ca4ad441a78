/** Options of the sections `cloud`, `encryption`, `backup`, `metrics` and `logging`. */
import { boolean, choice, duration, integer, path, string } from "../option.ts";

export const cloudOptions = {
  enabled: boolean({
    default: false,
    doc: "Let values that have not been used for long go to an object store.",
    status: "reserved",
  }),
  provider: choice(["local", "s3", "gcs", "azure"], {
    default: "local",
    doc: 'Kind of object store; "local" is a folder inside the data directory.',
    status: "reserved",
  }),
  bucket: string({ default: "", doc: "Bucket or container.", status: "reserved" }),
  region: string({ default: "", doc: "Region of the bucket.", status: "reserved" }),
  prefix: string({ default: "", doc: "Beginning of every object's name.", status: "reserved" }),
  endpoint: string({
    default: "",
    doc: "Address of the object store where it is not the provider's own.",
    status: "reserved",
  }),
  read_timeout: duration({
    default: 30_000,
    min: 1,
    doc: "How long a command may wait for a value from the object store.",
    status: "reserved",
  }),
};

export const encryptionOptions = {
  enabled: boolean({ default: false, doc: "Encrypt every file and object.", status: "reserved" }),
  key_file: path({ default: "", doc: "File with the key-encryption keys.", status: "reserved" }),
  scope: choice(["all", "cloud"], {
    default: "all",
    doc: "Encrypt everything, or only what leaves this machine.",
    status: "reserved",
  }),
};

export const backupOptions = {
  enabled: boolean({ default: false, doc: "Take backups by itself.", status: "reserved" }),
  directory: path({
    default: "",
    doc: "Folder into which BACKUP writes, and outside of which it writes nothing; empty for `backups` in the data directory.",
  }),
  destination: string({
    default: "",
    doc: "Folder or address of the bucket for backups.",
    status: "reserved",
  }),
  archive_interval: duration({
    default: 60_000,
    min: 1000,
    doc: "Time between two shipments of the append-only file to the destination.",
    status: "reserved",
  }),
};

export const metricsOptions = {
  enabled: boolean({
    default: false,
    doc: "Serve Prometheus metrics over HTTP at /metrics.",
    status: "reserved",
  }),
  bind: string({ default: "127.0.0.1", doc: "Address of the metrics endpoint.", status: "reserved" }),
  port: integer({ default: 9090, max: 65_535, doc: "Port of the metrics endpoint.", status: "reserved" }),
};

export const loggingOptions = {
  level: choice(["debug", "verbose", "notice", "warning"], {
    default: "notice",
    doc: "The least important kind of event that is logged.",
    redis: "loglevel",
    live: true,
  }),
  format: choice(["auto", "pretty", "json"], {
    default: "auto",
    doc: 'One line of text or one JSON object per event; "auto" is "pretty" on a terminal.',
  }),
  file: path({
    default: "",
    doc: "File to append the log to; empty for standard output.",
    redis: "logfile",
    fixed: "immutable",
  }),
};
