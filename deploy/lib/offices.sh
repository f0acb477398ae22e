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
  offices_ca make --name "Corridor demonstration" --demo --days $((OFFICES_DAYS + 365)) --at "$1"
  offices_ca calendar "$DEPLOY"/calendars/*.json
  offices_ca permissions "$DEPLOY/permissions/default.json"
}

# The keys of one row of the table, and the request for the CA.
offices_make_one() {
  local office=$1 role=$2 country=$3 name=$4 compartments=$5 holders=$6 word
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
 "dpiaReference": "DPIA-DEMO-1", "childDataProtocol": "CDP-DEMO-1", "recordTransferMou": "MOU-DEMO-1",
 "validFrom": "$from", "validUntil": "$until"}
JSON
  offices_ca agreement "$RUN/agreement.json"
}

offices_make_all() {
  local clock=$1 office role country name compartments holders pid
  local -a making=() requests=()
  offices_make_ca "$clock"
  # Side by side: a passphrase is slow to turn into a key, on purpose.
  while IFS='|' read -r office role country name compartments holders; do
    offices_make_one "$office" "$role" "$country" "$name" "$compartments" "$holders" </dev/null &
    making+=("$!")
    requests+=("$RUN/$office/request")
  done < <(offices_table)
  for pid in "${making[@]}"; do wait "$pid"; done
  offices_ca sign "${requests[@]}" --days "$OFFICES_DAYS" --at "$clock"
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
