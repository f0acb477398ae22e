#!/bin/bash
# Nothing but proto/clock.c asks for the time: not C, not SQL, not a client that
# could be told to (strftime, now() in a view). A demo clock, a replayed case and
# a deadline test all depend on it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

c_sources='\b(time|clock|gettimeofday|clock_gettime|clock_getres|timespec_get|ftime|localtime|localtime_r|mktime|zmq_stopwatch_start|X509_time_adj|X509_gmtime_adj|X509_cmp_current_time|X509_time_adj_ex)\('
sql_sources='\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|pg_sleep|pg_postmaster_start_time|julianday|unixepoch|strftime)[[:space:]]*\(|\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b|'"'(now|today|tomorrow|yesterday)'|datetime[[:space:]]*\("

# Drops comments, then the matches' own file names and lines remain.
uncommented() { sed -E 's,//.*$,,; s,--[^>].*$,,; s,/\*.*\*/,,; /^[[:space:]]*(\*|\/\*)/d' "$1"; }
sql_asks() { uncommented "$1" | grep -niE "$sql_sources"; }
# In C: the calls, SQL in string literals, and certificate checks, which ask the
# system for the time unless they are given one.
c_asks() {
  local text found=1
  text=$(uncommented "$1")
  if grep -nE "$c_sources" <<<"$text"; then found=0; fi
  if grep -niE "\"[^\"]*(${sql_sources//\[\[:space:\]\]\*/})" <<<"$text"; then found=0; fi
  if ! grep -q 'X509_VERIFY_PARAM_set_time\|X509_STORE_CTX_set_time' <<<"$text"; then
    if grep -nE '\bX509_verify_cert\(' <<<"$text"; then found=0; fi
  fi
  return "$found"
}

must_catch() { # matcher, line
  if ! "$1" <(printf '%s\n' "$2") >/dev/null; then echo "this check does not see: $2"; exit 1; fi
}
must_pass() {
  if "$1" <(printf '%s\n' "$2") >/dev/null; then echo "this check wrongly sees: $2"; exit 1; fi
}
must_catch c_asks '  int64_t t = time(NULL);'
must_catch c_asks '  clock_gettime(CLOCK_REALTIME, &ts);'
must_catch c_asks '  exec(db, "UPDATE x SET at = now()");'
must_catch c_asks '  exec(db, "INSERT INTO x VALUES (CURRENT_TIMESTAMP)");'
must_catch c_asks '  if (X509_verify_cert(ctx) != 1) goto done;'
must_catch sql_asks 'CREATE VIEW v AS SELECT * FROM x WHERE due < Now();'
must_catch sql_asks 'at timestamptz DEFAULT current_timestamp'
must_catch sql_asks "SELECT 'now'::timestamptz"
must_pass c_asks '  int64_t now = cor_clock_now(clock); /* not time(NULL) */'
must_pass c_asks '  puts("not now (try again)");'
must_pass c_asks '  cor_duty_wake_time(x);'
must_pass sql_asks 'gate_time bigint NOT NULL, -- never now()'

bad=0
while IFS= read -r file; do
  case $file in proto/clock.c) continue ;; esac
  if c_asks "$file" | sed "s|^|$file:|"; then bad=1; fi
done < <(find proto broker agent tests -name '*.[ch]')
while IFS= read -r file; do
  if sql_asks "$file" | sed "s|^|$file:|"; then bad=1; fi
done < <(find broker agent deploy tests -name '*.sql')
exit "$bad"
