# shellcheck shell=bash
# offices.sh - the demonstration's people and offices: a demo CA, the hub, two
# missions and two training centres, each made with the same commands a real
# administrator uses. All holders share one passphrase, random for each run, in
# $RUN/passphrase (0600). Everything is dated by the demo clock's start.

AGENTS=(ne-niamey gn-conakry gn-tvet-kindia gn-tvet-labe)

# office | role | country | name | compartments | holders
offices_table() {
  cat <<'TABLE'
hub|HUB|SN|Corridor hub||
ne-niamey|HOST_MISSION|NE|Mission in Niamey|operations casework health protection monitoring|amina moussa
gn-conakry|ORIGIN_MISSION|GN|Mission in Conakry|operations casework health protection monitoring|fatou sekou
gn-tvet-kindia|SERVICE_PROVIDER|GN|Vocational training centre Kindia|operations casework|kadia ibrahima
gn-tvet-labe|SERVICE_PROVIDER|GN|Vocational training centre Labe|operations casework|aissatou oumar
TABLE
}

# Long enough that no certificate ends while a reader moves the clock about.
OFFICES_DAYS=7300

offices_passphrase() {
  (umask 077 && /usr/bin/python3 -c 'import secrets; print(secrets.token_urlsafe(18))' >"$RUN/passphrase")
}

offices_ca() {
  "$BIN/corridor" ca "$@" --dir "$RUN/ca" --passphrase-fd 3 3<"$RUN/passphrase"
}

offices_make_ca() {
  local country
  offices_ca make --name "Corridor demonstration" --demo --days $((OFFICES_DAYS + 365)) --at "$1"
  for country in "$DEPLOY"/calendars/*.json; do offices_ca calendar "$country"; done
}

# The keys of one row of the table, certified.
offices_make_one() {
  local clock=$1 office=$2 role=$3 country=$4 name=$5 compartments=$6 holders=$7 word
  local -a more=()
  local lines=""
  for word in $compartments; do more+=(--compartment "$word"); done
  for word in $holders; do
    more+=(--holder "$word")
    lines+="$(<"$RUN/passphrase")"$'\n'
  done
  mkdir -m 0700 "$RUN/$office"
  "$BIN/corridor" office make --dir "$RUN/$office/office" --office "$office" --role "$role" \
    --country "$country" --name "$name" "${more[@]}" --passphrase-fd 3 3<<<"$lines"
  "$BIN/corridor" office request --dir "$RUN/$office/office" --out "$RUN/$office/request"
  offices_ca sign "$RUN/$office/request" --days "$OFFICES_DAYS" --at "$clock"
}

# Two missions and two centres may exchange all but protection data.
offices_agreement() {
  local seconds from until
  seconds=$(date -u -d "$1" +%s)
  from=$(date -u -d "@$((seconds - 365 * 86400))" +%FT00:00Z)
  until=$(date -u -d "@$((seconds + OFFICES_DAYS * 86400))" +%FT00:00Z)
  cat >"$RUN/agreement.json" <<JSON
{"id": "JI-NE-GN", "programme": "JI",
 "offices": ["ne-niamey", "gn-conakry", "gn-tvet-kindia", "gn-tvet-labe"],
 "categories": ["OPERATIONAL", "BIODATA", "CONTACT", "TRAVEL", "HEALTH_DATA", "MENTAL_HEALTH", "CHILD_BID",
                "FAMILY", "ECONOMIC", "EDUCATION", "LEGAL", "MONITORING_DATA", "INSTRUCTION"],
 "validFrom": "$from", "validUntil": "$until"}
JSON
  offices_ca agreement "$RUN/agreement.json"
}

offices_make_all() {
  local clock=$1 office role country name compartments holders
  offices_make_ca "$clock"
  while IFS='|' read -r office role country name compartments holders; do
    offices_make_one "$clock" "$office" "$role" "$country" "$name" "$compartments" "$holders" </dev/null
  done < <(offices_table)
  offices_agreement "$clock"
  offices_ca publish --days "$OFFICES_DAYS" --at "$clock"
  for office in hub "${AGENTS[@]}"; do
    "$BIN/corridor" office install --dir "$RUN/$office/office" --ca "$RUN/ca/ca.crt" --cardlist "$RUN/ca/cardlist"
  done
}

# What the demo clock starts with; it exists before any program that reads it.
offices_clock() {
  "$BIN/corridor" demo clock --file "$RUN/clock" --ca "$RUN/ca/ca.crt" start "$1"
}
