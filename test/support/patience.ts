/** Tries `check` again until it holds, and after `limitMs` fails as the last try did. */
export async function until(check: () => Promise<void>, limitMs = 15_000): Promise<void> {
  const end = Date.now() + limitMs
  for (;;) {
    try {
      return await check()
    } catch (thrown) {
      if (Date.now() > end) throw thrown
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}
