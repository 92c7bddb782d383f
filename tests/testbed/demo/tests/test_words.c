#include "words.h"

#include <stdio.h>
#include <string.h>

static int failures;

static void check(const char *text, size_t expected)
{
	size_t found = count_words(text);

	printf("%-24s %zu words\n", text, found);
	if (found != expected) {
		fprintf(stderr, "expected %zu\n", expected);
		failures++;
	}
}

int main(void)
{
	check("", 0);
	check("one", 1);
	check("  two  words ", 2);
	check("a push becomes a job", 5);
	return failures != 0;
}
