/** A set-up step that cannot go on, with what the person at the keyboard can do about it. */
export class SetupError extends Error {}
