/** Other numbers for the same names: each is moved on by `step`, in a circle. */
export function rewrites(table: Readonly<Record<string, number>>, step: number): Record<string, number> {
  const numbers = [...new Set(Object.values(table))];
  return Object.fromEntries(
    Object.entries(table).map(([name, number]) => {
      const moved = numbers[(numbers.indexOf(number) + step) % numbers.length];
      return [name, moved ?? number];
    }),
  );
}
