/* cert.c - X.509 certificates: issuing, reading, and checking against the CA.
 *
 * For: the programme CA's root and the office certificates of ca.h, and the one
 * check that every reader of a card list makes of them.
 * Guarantees: a certificate that passes cor_cert_office_ok is signed by this CA
 * directly (no intermediates), names exactly the office and unit asked for,
 * holds a P-256 key, may be used for that purpose only, and carries the key
 * identifier that its public key really has - CMS recipients are named by it.
 * Trusts: the CA certificate it is given; times come from the caller, never
 * from the system, because a demo programme may live in another year.
 * Fatal: nothing. */
#include "cert.h"
#include "corridor/ca.h"
#include "corridor/office.h"
#include "corridor/refusal.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const unsigned char demo_mark[] = {0x01, 0x01, 0xff}; /* DER BOOLEAN TRUE */

const char *cor_cert_unit(const Corridor__V1__Compartment *sealing, char out[COR_UNIT_TEXT]) {
  if (sealing)
    (void)snprintf(out, COR_UNIT_TEXT, "seal-%s", cor_compartment_name(*sealing));
  else
    (void)snprintf(out, COR_UNIT_TEXT, "signing");
  return out;
}

/* ---- issuing ---- */

static bool set_names(X509 *cert, const cor_cert_spec *spec) {
  X509_NAME *name = X509_NAME_new();
  const X509_NAME *issuer = spec->issuer ? X509_get_subject_name(spec->issuer) : name;
  bool ok = name &&
            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)spec->common_name,
                                       -1, -1, 0) == 1 &&
            (!spec->unit || X509_NAME_add_entry_by_txt(name, "OU", MBSTRING_UTF8,
                                                       (const unsigned char *)spec->unit, -1, -1, 0) == 1) &&
            X509_set_subject_name(cert, name) == 1 && X509_set_issuer_name(cert, issuer) == 1;
  X509_NAME_free(name);
  return ok;
}

static bool set_serial_and_times(X509 *cert, const cor_cert_spec *spec) {
  uint8_t serial[16];
  cor_random(serial, sizeof serial);
  serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, always 16 bytes */
  BIGNUM *n = BN_bin2bn(serial, sizeof serial, NULL);
  bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) &&
            ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(spec->not_before / 1000)) &&
            ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(spec->not_after / 1000));
  BN_free(n);
  return ok;
}

static bool add_extension(X509 *cert, X509V3_CTX *ctx, int nid, const char *value) {
  X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
  bool ok = ext && X509_add_ext(cert, ext, -1) == 1;
  X509_EXTENSION_free(ext);
  return ok;
}

static bool add_demo_mark(X509 *cert) {
  ASN1_OBJECT *oid = OBJ_txt2obj(COR_OID_DEMO, 1);
  ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
  X509_EXTENSION *ext = NULL;
  bool ok = oid && value && ASN1_OCTET_STRING_set(value, demo_mark, sizeof demo_mark) == 1 &&
            (ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value)) && X509_add_ext(cert, ext, -1) == 1;
  X509_EXTENSION_free(ext);
  ASN1_OCTET_STRING_free(value);
  ASN1_OBJECT_free(oid);
  return ok;
}

static bool add_extensions(X509 *cert, const cor_cert_spec *spec) {
  static const struct {
    const char *basic, *usage;
  } by_use[] = {
      [COR_CERT_ROOT] = {"critical,CA:TRUE,pathlen:0", "critical,keyCertSign,digitalSignature"},
      [COR_CERT_SIGNING] = {"critical,CA:FALSE", "critical,digitalSignature"},
      [COR_CERT_SEALING] = {"critical,CA:FALSE", "critical,keyAgreement"},
  };
  X509V3_CTX ctx;
  X509V3_set_ctx(&ctx, spec->issuer ? spec->issuer : cert, cert, NULL, NULL, 0);
  X509V3_set_ctx_nodb(&ctx);
  return add_extension(cert, &ctx, NID_basic_constraints, by_use[spec->use].basic) &&
         add_extension(cert, &ctx, NID_key_usage, by_use[spec->use].usage) &&
         add_extension(cert, &ctx, NID_subject_key_identifier, "hash") &&
         add_extension(cert, &ctx, NID_authority_key_identifier, "keyid:always") &&
         (!spec->demo || add_demo_mark(cert));
}

X509 *cor_cert_issue(const cor_cert_spec *spec, cor_error *err) {
  X509 *cert = X509_new();
  bool ok = cert && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial_and_times(cert, spec) &&
            set_names(cert, spec) && X509_set_pubkey(cert, spec->key) == 1 && add_extensions(cert, spec) &&
            X509_sign(cert, spec->issuer_key, EVP_sha256()) > 0;
  if (!ok) {
    cor_fail(err, COR_INTERNAL, "", "could not issue a certificate; nothing was written");
    X509_free(cert);
    return NULL;
  }
  return cert;
}

/* ---- reading and writing ---- */

X509 *cor_cert_from_der(cor_bytes der, cor_error *err) {
  const unsigned char *p = der.data;
  X509 *cert = der.len > 0 && der.len <= COR_CERT_MAX ? d2i_X509(NULL, &p, (long)der.len) : NULL;
  ERR_clear_error();
  if (cert && p == der.data + der.len) return cert;
  X509_free(cert);
  cor_fail(err, COR_BAD_INPUT, "cert", "not exactly one X.509 certificate");
  return NULL;
}

bool cor_cert_to_der(X509 *cert, cor_buf *out, cor_error *err) {
  unsigned char *der = NULL;
  int len = i2d_X509(cert, &der);
  if (len <= 0) return cor_fail(err, COR_INTERNAL, "cert", "could not encode a certificate");
  bool ok = cor_buf_copy(out, (cor_bytes){der, (size_t)len}, err);
  OPENSSL_free(der);
  return ok;
}

bool cor_cert_to_pem(X509 *cert, cor_buf *out, cor_error *err) {
  char *data = NULL;
  long len = 0;
  BIO *bio = BIO_new(BIO_s_mem());
  bool ok = bio && PEM_write_bio_X509(bio, cert) == 1 && (len = BIO_get_mem_data(bio, &data)) > 0;
  ok = ok ? cor_buf_copy(out, (cor_bytes){(const uint8_t *)data, (size_t)len}, err)
          : cor_fail(err, COR_INTERNAL, "cert", "could not encode a certificate");
  BIO_free(bio);
  return ok;
}

X509 *cor_cert_from_pem_file(const char *path, cor_error *err) {
  cor_buf pem = {0};
  if (!cor_file_read(path, 65536, false, &pem, err)) return NULL;
  BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
  X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
  BIO_free(bio);
  cor_buf_clear(&pem);
  ERR_clear_error();
  if (!cert) cor_fail(err, COR_BAD_INPUT, path, "the file holds no certificate in PEM");
  return cert;
}

bool cor_cert_is_demo(X509 *cert) {
  ASN1_OBJECT *oid = OBJ_txt2obj(COR_OID_DEMO, 1);
  int at = oid ? X509_get_ext_by_OBJ(cert, oid, -1) : -1;
  ASN1_OBJECT_free(oid);
  if (at < 0) return false;
  const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(cert, at));
  return ASN1_STRING_length(value) == (int)sizeof demo_mark &&
         memcmp(ASN1_STRING_get0_data(value), demo_mark, sizeof demo_mark) == 0;
}

/* ---- checking ---- */

static int64_t time_of(const ASN1_TIME *t) {
  struct tm tm;
  return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

void cor_cert_validity(X509 *cert, int64_t *not_before, int64_t *not_after) {
  *not_before = time_of(X509_get0_notBefore(cert));
  *not_after = time_of(X509_get0_notAfter(cert));
}

static bool name_entry_is(const X509_NAME *name, int nid, const char *value) {
  int at = X509_NAME_get_index_by_NID(name, nid, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(name, nid, at) >= 0) return false;
  const ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  size_t len = strlen(value);
  return (size_t)ASN1_STRING_length(text) == len && memcmp(ASN1_STRING_get0_data(text), value, len) == 0;
}

bool cor_cert_name_is(const X509_NAME *name, const char *office, const char *unit) {
  return X509_NAME_entry_count(name) == 2 && name_entry_is(name, NID_commonName, office) &&
         name_entry_is(name, NID_organizationalUnitName, unit);
}

static bool key_identifier_true(X509 *cert) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int len = 0;
  const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(cert);
  return ski && X509_pubkey_digest(cert, EVP_sha1(), digest, &len) == 1 && len == COR_SKI_LEN &&
         ASN1_STRING_length(ski) == COR_SKI_LEN &&
         memcmp(ASN1_STRING_get0_data(ski), digest, COR_SKI_LEN) == 0;
}

static bool chain_ok(X509 *cert, X509 *ca, int64_t at, cor_error *err) {
  X509_STORE *store = X509_STORE_new();
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  bool ok = store && ctx && X509_STORE_add_cert(store, ca) == 1 &&
            X509_STORE_CTX_init(ctx, store, cert, NULL) == 1;
  if (!ok) {
    cor_fail(err, COR_INTERNAL, "cert", "out of memory while checking a certificate");
    goto done;
  }
  X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
  X509_VERIFY_PARAM_set_time(param, (time_t)(at / 1000));
  X509_VERIFY_PARAM_set_depth(param, 0); /* no intermediates */
  ok = X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE) == 1 &&
       X509_verify_cert(ctx) == 1;
  if (!ok) {
    cor_fail(err, COR_BAD_SIGNATURE, "cert", "the certificate does not lead to the programme CA: %s",
             X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
  }
done:
  X509_STORE_CTX_free(ctx);
  X509_STORE_free(store);
  ERR_clear_error();
  return ok;
}

bool cor_cert_root_ok(X509 *ca, int64_t at, cor_error *err) {
  if (X509_check_ca(ca) != 1 || !cor_key_is_p256(X509_get0_pubkey(ca)) || !key_identifier_true(ca)) {
    return cor_fail(err, COR_BAD_INPUT, "ca", "this is not the certificate of a programme CA");
  }
  return chain_ok(ca, ca, at, err);
}

bool cor_cert_office_ok(X509 *cert, X509 *ca, const char *office, const char *unit, cor_cert_use use,
                        int64_t at, cor_error *err) {
  uint32_t usage = use == COR_CERT_SIGNING ? KU_DIGITAL_SIGNATURE : KU_KEY_AGREEMENT;
  int64_t not_before, not_after;
  cor_cert_validity(cert, &not_before, &not_after);
  if (!chain_ok(cert, ca, at < not_after ? at : not_after - 1000, err)) return false;
  if (!cor_cert_name_is(X509_get_subject_name(cert), office, unit)) {
    return cor_fail(err, COR_BAD_INPUT, "cert", "the certificate of %s does not name it and %s", office,
                    unit);
  }
  /* Read after chain_ok: libcrypto has cached the extensions and found them sound. */
  if (!cor_key_is_p256(X509_get0_pubkey(cert)) || !key_identifier_true(cert) || X509_check_ca(cert) != 0 ||
      X509_get_key_usage(cert) != usage) {
    return cor_fail(err, COR_BAD_INPUT, "cert",
                    "the %s certificate of %s has the wrong key type, key identifier or key usage", unit,
                    office);
  }
  return true;
}
