import type { Drive as ListedDrive } from 'drivelist'

export type { ListedDrive }

/** drivelist's list. Its addon is loaded on first use, so that a machine without it can still do what needs no drives. */
export async function listed(): Promise<ListedDrive[]> {
  const { list } = await import('drivelist')
  return list()
}
