/*
 * Whether this program runs under AddressSanitizer, in the words of both compilers. A test asks where the
 * sanitizer's runtime changes what it looks at: mlock(2) does nothing there, and freed memory stays for a
 * while.
 */
#ifndef POSTERN_TESTS_SANITIZER_H
#define POSTERN_TESTS_SANITIZER_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TEST_UNDER_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define TEST_UNDER_ASAN 1
#endif

#ifndef TEST_UNDER_ASAN
#define TEST_UNDER_ASAN 0
#endif

#endif
