/*
 * How far one word is from another: for "did you mean".
 */
#ifndef ADIT_TEXT_DISTANCE_H
#define ADIT_TEXT_DISTANCE_H

#include <stddef.h>

#define DISTANCE_WORD_MAX 24 /* characters; a longer word is far from every other */
#define DISTANCE_NEAR	  2  /* at most so far is what was probably meant */

/*
 * How many characters to insert, remove, replace, or swap with their neighbour
 * to get from one word to the other, in upper or lower case.
 */
unsigned distance_of(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
