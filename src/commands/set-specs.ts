/** Words that the specs of the set commands share. */
import type { ArgumentDoc } from "./spec.ts";

export const MEMBER_ARGUMENT: ArgumentDoc = { name: "member", type: "string" };
export const MEMBERS_ARGUMENT: ArgumentDoc = { name: "member", type: "string", multiple: true };
