/** What the screen of practice cards says, in English; `en.ts` takes it in. */
export const enPractice = {
  title: 'Practice cards',
  sub: 'A practice card is a file that behaves like a card, mostly like a broken one. Try what helps without risking anything.',
  loading: 'Looking which ones can be made here…',
  which: 'Which one?',
  systems: {
    lampone: 'Lampone Pi',
    liveng: 'liveng and Resilient Linux',
    liveos: 'Fedora LiveOS sticks',
    mode: 'MoDe',
    'rpi-ab': 'Raspberry Pi with two slots',
    tmpfsroot: 'tmpfsroot',
  },
  well: 'Nothing is wrong with it.',
  place: 'Folder for it',
  placeHint: 'It takes little room: only what is written to it counts.',
  here: 'Put it in this folder',
  needFolder: 'A full path of a folder is needed.',
  needChoice: 'Choose a practice card first.',
  ready: 'The card is made and opened. Nothing else is changed.',
  making: 'Making the card…',
  make: 'Make it and look',
} as const
