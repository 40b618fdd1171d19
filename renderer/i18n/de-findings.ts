/** Findings in German, by their ids; what is not here is said in the helper's English. */
export const germanFindings: Record<string, { title: string; meaning: string } | undefined> = {}
