/** The channels between preload and main. The contract's own messages travel inside `send` and `message`. */
export const ipc = {
  /** page → main: this document is there; from now on messages for its token are heard. */
  open: 'livecard:open',
  /** page → main: one message of the contract. */
  send: 'livecard:send',
  /** main → page: (token, message). */
  message: 'livecard:message',
  /** main → page: (token, reason). */
  closed: 'livecard:closed',
  pickImage: 'livecard:pick-image',
  pickSavePlace: 'livecard:pick-save-place',
  progress: 'livecard:progress',
} as const
