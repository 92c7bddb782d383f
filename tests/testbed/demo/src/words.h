#ifndef WORDS_H
#define WORDS_H

#include <stddef.h>

/* Counts the words of a text: runs of bytes that are no blanks. */
size_t count_words(const char *text);

#endif
