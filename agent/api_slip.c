/* api_slip.c - the paper a person takes along (slip.c), at registration and again
 * whenever somebody brings number and code: nobody but the person has both.
 *
 * Guarantees: number and code come in, go out and are kept nowhere; their check
 * digits are right, so that a slip never prints what would not work. */
#include "api.h"

#include "corridor/id.h"
#include "corridor/refusal.h"

#include <openssl/crypto.h>
#include <string.h>

enum { PHONE_MAX = 40 };

bool api_slip_words(api_request *q, bool required, slip **out, const char **phone, cor_error *err) {
  const char *language;
  *out = NULL;
  if (!api_text(q->body, "slipLanguage", required, &language, err) ||
      !api_text(q->body, "slipTelephone", false, phone, err))
    return false;
  if (*phone == NULL) *phone = "";
  if (strlen(*phone) > PHONE_MAX || strspn(*phone, "+0123456789 ()/-") != strlen(*phone))
    return cor_fail(err, COR_BAD_INPUT, "/slipTelephone", "not a telephone number; nothing was kept");
  if (language == NULL) return true;
  *out = slip_load(cor_config_text(q->a->config, "catalogue"), language, err);
  return *out != NULL;
}

bool api_post_slip(api_request *q, cor_error *err) {
  static const char *const members[] = {"reference", "code", "slipLanguage", "slipTelephone", NULL};
  char reference[COR_REFERENCE_TEXT], code[COR_REFERENCE_TEXT];
  const char *given, *given_code, *phone;
  slip *words = NULL;
  if (!api_only(q->body, members, err) || !api_text(q->body, "reference", true, &given, err) ||
      !api_text(q->body, "code", true, &given_code, err) || !api_slip_words(q, true, &words, &phone, err))
    return false;
  bool ok = cor_reference_parse(given, reference) ||
            cor_fail(err, COR_BAD_INPUT, "/reference", "not a reference number: check the two last digits");
  ok = ok && (cor_code_parse(given_code, code) ||
              cor_fail(err, COR_BAD_INPUT, "/code", "not a withdrawal code: check the two last digits"));
  if (ok) {
    q->reply = slip_write(words, reference, code, phone);
    ok = q->reply != NULL || cor_fail(err, COR_INTERNAL, "", "out of memory");
  }
  OPENSSL_cleanse(reference, sizeof reference);
  OPENSSL_cleanse(code, sizeof code);
  slip_destroy(&words);
  return ok;
}
