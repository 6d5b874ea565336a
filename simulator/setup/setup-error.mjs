/** A set-up step that cannot go on, with what the person at the keyboard can do about it. */
export class SetupError extends Error {}

/** Something that not every machine can have. What needs it is left out, in one line, and the rest goes on. */
export class UnavailableError extends SetupError {}
