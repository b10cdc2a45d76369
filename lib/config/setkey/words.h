/*
 * The lists of words of the language: what the reader recognises and what it suggests. Private to the reader.
 */
#ifndef POSTERN_CONFIG_SETKEY_WORDS_H
#define POSTERN_CONFIG_SETKEY_WORDS_H

/* All NULL-terminated. */
extern const char *const sk_words_verb[];
extern const char *const sk_words_option[];
extern const char *const sk_words_proto[];
extern const char *const sk_words_mode[];
extern const char *const sk_words_flag[];
extern const char *const sk_words_dir[];
extern const char *const sk_words_action[];
extern const char *const sk_words_request[];
extern const char *const sk_words_request_mode[];
extern const char *const sk_words_level[];
extern const char *const sk_words_priority[];
extern const char *const sk_words_upper[];
extern const char *const sk_words_enc[];
extern const char *const sk_words_auth[];
extern const char *const sk_words_comp[];

#endif
