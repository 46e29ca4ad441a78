/** What the log and subscribers are told of fields of hashes whose time was over and that nobody had asked for. */
import type { Context, EffectSink } from "../commands/context.ts";
import { NOTIFY_GENERIC, NOTIFY_HASH } from "../commands/notify-events.ts";
import type { FieldExpiryListener } from "../engine/field-expiry.ts";

/** HDEL of the last field takes the key with it, also in replay: its going needs no effect of its own. */
export function fieldExpiryTo(effects: EffectSink, context: Context): FieldExpiryListener {
  return {
    fieldExpired(db, key, keyOffset, keyLength, field, fieldOffset, fieldLength) {
      effects.begin(db, 3);
      effects.argumentText("HDEL");
      effects.argument(key, keyOffset, keyLength);
      effects.argument(field, fieldOffset, fieldLength);
      effects.end();
    },
    fieldsExpired(db, key, keyOffset, keyLength, isGone) {
      context.notifyKey(NOTIFY_HASH, "hexpired", key, keyOffset, keyLength, db);
      if (isGone) context.notifyKey(NOTIFY_GENERIC, "del", key, keyOffset, keyLength, db);
    },
  };
}
