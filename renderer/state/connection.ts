/** The line to the helper: whether it is there, and the one way to ask it something. */
import { create } from 'zustand'
import type { Answer, Params, RequestName } from '../../native-helpers/contract.ts'
import type { Outcome } from '../../native-helpers/contract-client.ts'
import type { Transport } from '../transport.ts'

export type Connection =
  | { state: 'connecting' }
  | { state: 'open'; transport: Transport; helper: Answer<'hello'> }
  /** `reached`: it was there and went; false: it never came. `kind` tells whether it died (desktop) or may only be out of reach (browser). */
  | { state: 'lost'; reached: boolean; kind: Transport['kind'] | null; reason: string }

interface ConnectionState {
  connection: Connection
  opened(transport: Transport, helper: Answer<'hello'>): void
  lost(reason: string): void
}

export const useConnection = create<ConnectionState>()((set) => ({
  connection: { state: 'connecting' },
  opened: (transport, helper) => set({ connection: { state: 'open', transport, helper } }),
  lost: (reason) =>
    set(({ connection }) => {
      const kind = connection.state === 'open' ? connection.transport.kind : null
      return { connection: { state: 'lost', reached: kind !== null, kind, reason } }
    }),
}))

export function transport(): Transport | null {
  const { connection } = useConnection.getState()
  return connection.state === 'open' ? connection.transport : null
}

/** Asks the helper. Without one the answer is an error like any other. */
export async function ask<N extends RequestName>(name: N, params: Params<N>): Promise<Outcome<Answer<N>>> {
  const line = transport()
  if (line) return line.client.call(name, params)
  return {
    ok: false,
    error: {
      kind: 'failed',
      code: 'helper-gone',
      message: 'The part of Livecard that talks to drives is not there.',
      meaning: 'Nothing was changed.',
      next: 'Start it again.',
    },
  }
}

export function useConnected(): boolean {
  return useConnection((state) => state.connection.state === 'open')
}
