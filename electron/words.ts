/** What the shell itself says, outside the page; in English, as the interface is until a language is chosen in its settings. */
export const words = {
  pickTitle: 'Choose an image',
  saveTitle: 'Choose where to save it',
  images: 'Disk images',
  allFiles: 'All files',
  edit: 'Edit',
  view: 'View',
  window: 'Window',
  file: 'File',
  quitTitle: 'A card is still being written',
  quitDetail: 'If you stop now, what is on the card so far is not a usable system and has to be written again.',
  keepOn: 'Go on writing',
  stopAndQuit: 'Stop writing and quit',
  changingTitle: 'A card is still being changed',
  changingDetail:
    'That is brought to its end, as a card that is changed half-way helps nobody. The window can close as soon as it is done.',
  stayOpen: 'Stay open',
  closeWhenDone: 'Close when it is done',
}
