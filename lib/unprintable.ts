/** Characters that a terminal obeys or that turn a line around, rather than being shown. */
export const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
