/** An object with some of its members replaced; everything else is its own. */
export function over<T extends object>(inner: T, changes: Partial<T>): T {
  return new Proxy(inner, {
    get(target, property) {
      const changed = (changes as Record<PropertyKey, unknown>)[property];
      if (changed !== undefined) return changed;
      const value = Reflect.get(target, property, target) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
