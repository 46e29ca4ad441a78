/** The seed of this run's random tests; FERRITE_SEED repeats one. */
export const seed = Number(process.env["FERRITE_SEED"] ?? Date.now() % 2 ** 31);
