#!/usr/bin/env bash
# Makes the vectors of this folder with the openssl command: bash make.sh (OpenSSL 3.0 or later, and the base64, fold, head,
# iconv and tr commands). A vector is a text file: lines "name: value", an empty line, and then the file under test, byte for
# byte. The names are explained in ../../vector_test.go. The keys protect nothing: they are here so that the
# vectors can be opened, and are made only where they are missing.
set -euo pipefail
cd "$(dirname "$0")"
umask 022
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# ---- keys and certificates
certificate() { # NAME SUBJECT SERIAL [KEY]: a self-signed certificate for the key of that or another name
	local key=keys/${4:-$1}.key.pem
	[ -e "$key" ] || openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:"${bits:-2048}" -out "$key" 2>/dev/null
	[ -e "keys/$1.pem" ] || openssl req -x509 -new -sha256 -key "$key" -days 3650 -subj "$2" -set_serial "$3" -out "keys/$1.pem"
}
certificate acme "/O=Acme Inc./CN=Acme MDM" 0x5b1f9e0c7a2d4e6188aa30f1c2d3e4f5
certificate other "/O=Acme Inc./CN=Other MDM" 0x4c0d8e7f6a5b4c3d2e1f00112233aabb
certificate negative "/CN=Negative MDM" -0x7c5f9e0c7a2d4e6188aa30f1c2d3e4f5
certificate one "/CN=com.github.example" 1
certificate one-again "/CN=com.github.example" 1
certificate renamed "/O=Acme Inc./CN=Acme MDM" 0x5b1f9e0c7a2d4e6188aa30f1c2d3e4f5 other # acme's name and number on another key
bits=3072 certificate large "/CN=Large MDM" 0x6a77889900aabbccddeeff0011223344
certificate push "/UID=com.apple.mgmt.External.11111111-2222-3333-4444-555555555555/CN=APSP:11111111-2222-3333-4444-555555555555/C=US" 0x2d other
[ -e keys/curve.key.pem ] || openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out keys/curve.key.pem
certificate curve "/CN=Curve MDM" 0x77

# ---- plaintexts
hex() { printf "%0$1d" 0 | tr 0 "$2"; }
ck=CK_$(hex 96 c) cs=CS_$(hex 40 d) at=AT_O13897348619O$(hex 40 e)O1795555661000 as=AS_$(hex 40 f)
expiry=2027-11-24T21:27:41Z
fields="\"consumer_key\":\"$ck\",\"consumer_secret\":\"$cs\",\"access_token\":\"$at\",\"access_secret\":\"$as\""
json="{$fields,\"access_token_expiry\":\"$expiry\"}"
header=$'Content-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n'
crlf() { sed 's/$/\r/'; }
framed() { # JSON: as the portal sends it
	printf '%s-----BEGIN MESSAGE-----\r\n%s\r\n-----END MESSAGE-----\r\n' "$header" "$1"
}
framed "$json" >"$tmp/plain"

# ---- files
seal() { # [OPTION...]: the plaintext of stdin as CMS in DER
	openssl cms -encrypt -binary -outform DER "$@"
}
to() { echo "-recip keys/$1.pem"; }
smime() { # WIDTH: Apple's header around the base64 of stdin
	printf '%s\n' 'Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data' \
		'Content-Transfer-Encoding: base64' 'Content-Disposition: attachment; filename="smime.p7m"' \
		'Content-Description: S/MIME Encrypted Message' ''
	base64 -w "${1:-76}"
}
vector() { # NAME LINE...: writes stdin as the file of the vector
	local name=$1
	shift
	{
		printf '%s\n' "$@" ''
		cat
	} >"$tmp/vector"
	mv "$tmp/vector" "$name.txt"
}
rm -f ./*.txt
opens=("expect: success" "cipher: aes128-cbc" "key_transport: rsaes-pkcs1-v1_5")
seal -stream -aes128 $(to acme) <"$tmp/plain" >"$tmp/ber"
seal -aes128 $(to acme) <"$tmp/plain" >"$tmp/der"
smime <"$tmp/ber" >"$tmp/file"

# What Apple publishes, and what its portal hands out.
printf '%s%s' "$header" "$(fold -w 76 <<<"$json" | crlf)" >"$tmp/sample"
seal -stream -aes128 $(to negative) <"$tmp/sample" | smime | vector apple-sample "${opens[@]}" "key: negative" \
	"comment: the shape of the sample in \"Examining Server Tokens\": indefinite lengths, negative serial, no MESSAGE lines, JSON broken at 76"
crlf <"$tmp/file" | vector apple-portal "${opens[@]}" "comment: as the portal hands it out, with CRLF and MESSAGE lines"

# Ciphers, key transports, recipients.
for cipher in aes192 aes256; do
	for stream in "" -stream; do
		seal $stream -$cipher $(to acme) <"$tmp/plain" | smime | vector "cipher-$cipher$stream" "expect: success" "cipher: $cipher-cbc"
	done
done
seal -des3 $(to acme) <"$tmp/plain" | smime | vector cipher-des3 "expect: success" "cipher: des-ede3-cbc"
seal -stream -des3 $(to acme) <"$tmp/plain" | smime | vector cipher-des3-stream "expect: success" "cipher: des-ede3-cbc"
openssl smime -encrypt -binary -outform DER -aes128 keys/acme.pem <"$tmp/plain" 2>/dev/null | smime | vector pkcs7 "${opens[@]}" "comment: written by openssl smime, which is PKCS #7"
openssl smime -encrypt -stream -outform SMIME -aes128 keys/acme.pem <"$tmp/plain" | vector pkcs7-smime "${opens[@]}" "comment: the header of openssl smime"
oaep() { echo "$(to acme) -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:$1 -keyopt rsa_mgf1_md:$2"; }
seal -aes256 $(oaep sha1 sha1) <"$tmp/plain" | smime | vector oaep-sha1 "expect: success" "key_transport: rsaes-oaep-sha1"
seal -aes256 $(oaep sha256 sha256) <"$tmp/plain" | smime | vector oaep-sha256 "expect: success" "key_transport: rsaes-oaep-sha256"
seal -des3 $(oaep sha256 sha256) <"$tmp/plain" | smime | vector oaep-sha256-des3 "expect: success" "cipher: des-ede3-cbc" "key_transport: rsaes-oaep-sha256"
seal -aes256 $(oaep sha256 sha1) <"$tmp/plain" | smime | vector oaep-sha256-mgf1-sha1 "expect: success" "key_transport: rsaes-oaep-sha256-mgf1-sha1"
seal -aes256 $(oaep sha1 sha256) <"$tmp/plain" | smime | vector oaep-sha1-mgf1-sha256 "expect: success" "key_transport: rsaes-oaep-sha1-mgf1-sha256"
seal -stream -keyid -aes128 $(to acme) <"$tmp/plain" | smime | vector recipient-by-key-identifier "${opens[@]}" "names: key identifier"
seal -aes128 $(to negative) <"$tmp/plain" | smime | vector recipient-negative-serial "${opens[@]}" "key: negative"
seal -aes128 $(to other) $(to acme) <"$tmp/plain" | smime | vector recipients-several "${opens[@]}" "recipients: 2"
seal -aes128 $(to curve) $(to acme) <"$tmp/plain" | smime | vector recipients-with-another-kind "${opens[@]}" "comment: one of them agrees on a key instead"
seal -aes128 $(to one-again) <"$tmp/plain" | smime | vector recipient-serial-one "${opens[@]}" "keys: one one-again" "key: one-again" \
	"comment: both certificates have the issuer and serial number that the file names"
seal -aes128 $(to acme) <"$tmp/plain" | smime | vector recipient-without-certificate "${opens[@]}" "keys: other one acme.key" "key: acme.key" \
	"comment: of the right pair only the private key is held"
seal -aes128 $(to large) <"$tmp/plain" | smime | vector key-3072 "${opens[@]}" "key: large"

# Forms of the file.
vector form-der "${opens[@]}" <"$tmp/der"
vector form-ber "${opens[@]}" <"$tmp/ber"
base64 -w 64 <"$tmp/der" | vector form-base64 "${opens[@]}" "comment: the header is lost"
base64 -w 64 <"$tmp/ber" | vector form-base64-ber "${opens[@]}"
base64 -w 0 <"$tmp/ber" | vector form-base64-one-line "${opens[@]}"
base64 -w 1 <"$tmp/der" | vector form-base64-one-column "${opens[@]}"
cp "$tmp/plain" "$tmp/longer"
while seal -aes128 $(to acme) <"$tmp/longer" >"$tmp/unpadded" && [ $(($(wc -c <"$tmp/unpadded") % 3)) -eq 0 ]; do
	printf '%16s' ' ' >>"$tmp/longer"
done
base64 -w 76 <"$tmp/unpadded" | tr -d = | vector form-base64-unpadded "${opens[@]}"
for label in CMS PKCS7; do
	{
		echo "-----BEGIN $label-----"
		base64 -w 64 <"$tmp/der"
		echo "-----END $label-----"
	} | vector "form-pem-${label,,}" "${opens[@]}"
done
openssl cms -encrypt -binary -outform PEM -aes128 $(to acme) <"$tmp/plain" | crlf | vector form-pem-crlf "${opens[@]}"
{ smime </dev/null; sed '$d' form-pem-cms.txt | sed '1,/^$/d'; } | vector form-pem-below-header "${opens[@]}" "comment: and without its last line"
for width in 19 64 998; do
	smime $width <"$tmp/ber" | vector "width-$width" "${opens[@]}"
done
smime 0 <"$tmp/ber" | vector width-none "${opens[@]}"
vector lines-lf "${opens[@]}" <"$tmp/file"
tr '\n' '\r' <"$tmp/file" | vector lines-cr "${opens[@]}"
sed 's/^/\t  /; s/$/  /' "$tmp/file" | vector lines-indented "${opens[@]}"
sed 's/$/\n/' "$tmp/file" | vector lines-doubled "${opens[@]}" "comment: every line has got an empty one behind it"
{ printf '\n \r\n'; cat "$tmp/file"; printf '\n\r\n \t\n'; } | vector lines-around "${opens[@]}"
{ printf '\xef\xbb\xbf'; cat "$tmp/file"; } | vector bom-utf8 "${opens[@]}"
{ printf '\xff\xfe'; iconv -f ASCII -t UTF-16LE <"$tmp/file"; } | vector bom-utf16le "${opens[@]}"
{ printf '\xfe\xff'; crlf <"$tmp/file" | iconv -f ASCII -t UTF-16BE; } | vector bom-utf16be "${opens[@]}"

# Headers.
body() { base64 -w 76 <"$tmp/ber"; }
{ printf '%s\n' 'Content-Description: S/MIME Encrypted Message' 'Content-Disposition: attachment; filename="smime.p7m"' \
	'Content-Transfer-Encoding: base64' 'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"' ''; body; } |
	vector header-reordered "${opens[@]}"
{ printf '%s\n' 'MIME-Version: 1.0' 'X-Unknown: yes' 'content-type:application/x-pkcs7-mime' 'CONTENT-TRANSFER-ENCODING : BASE64' ''; body; } |
	vector header-unusual "${opens[@]}"
{ printf '%s\n' 'Content-Type: application/pkcs7-mime;' ' name="smime.p7m";' $'\tsmime-type=enveloped-data' 'Content-Transfer-Encoding:' ' base64' \
	'Content-Disposition: attachment;' ' filename="smime.p7m"' ''; body; } | vector header-folded "${opens[@]}"
{ printf '%s\n' 'Content-Transfer-Encoding: base64' 'Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-' 'data' ''; body; } |
	vector header-broken-in-a-word "${opens[@]}" "comment: as Apple's own page shows it"
{ head -n 4 "$tmp/file"; body; } | vector header-without-blank-line "${opens[@]}"
{ head -n 4 "$tmp/file"; base64 -w 0 <"$tmp/ber"; } | vector header-without-blank-line-one-line "${opens[@]}"
{ printf '%s\n' 'Content-Type: application/pkcs7-mime;' ' smime-type=enveloped-data; name="smime.p7m"'; body; } |
	vector header-folded-without-blank-line "${opens[@]}"
{ head -n 2 "$tmp/file"; echo; sed -n '3,$p' "$tmp/file"; } | vector header-with-blank-line "${opens[@]}" "comment: a blank line within the header"
{ head -n 4 "$tmp/file"; echo ' '; body; } | vector header-blank-line-not-empty "${opens[@]}"
{ echo 'Content-Type: application/pkcs7-mime'; echo; body; } | vector header-short "${opens[@]}"
{ echo 'ansfer-Encoding: base64'; echo; body; } | vector header-beginning-lost "${opens[@]}"

# Plaintexts.
plaintext() { # NAME LINE...: a file with the plaintext of stdin
	local name=plain-$1
	shift
	seal -stream -aes128 $(to acme) | smime | vector "$name" "$@"
}
{ printf %s "$header"; printf %s "$json"; } | plaintext without-lines "${opens[@]}"
framed "$json" | sed '1,/^\r$/d' | plaintext without-header "${opens[@]}"
printf %s "$json" | plaintext bare "${opens[@]}"
framed "$json" | tr -d '\r' | plaintext lf "${opens[@]}"
framed "$(fold -w 7 <<<"$json" | crlf)" | plaintext broken-in-texts "${opens[@]}" "comment: the JSON is broken anywhere, also within its texts"
framed "$(fold -w 1 <<<"${json/CK_/C\\u004b_}")" | plaintext broken-in-an-escape "${opens[@]}"
framed "$(sed 's/[{,]/&\n  /g; s/}/\n&/' <<<"$json")" | plaintext pretty "${opens[@]}"
{ printf '\xef\xbb\xbf'; printf %s "$json"; } | plaintext bom "${opens[@]}"
framed "{\"version\":{\"a\":[1,null,\"x\"]},$fields,\"access_token_expiry\":\"$expiry\",\"future_field\":\"J\u00fcrgen\"}" |
	plaintext unknown-fields "${opens[@]}" "keeps: future_field"
framed "{$fields,\"access_token_expiry\":\"2027-11-25T06:27:41+09:00\"}" | plaintext other-zone "${opens[@]}"
framed "{$fields,\"access_token_expiry\":\"2015-01-14T21:27:41Z\"}" | plaintext expired "expect: expired" "says: 2015-01-14"
bad() { echo "expect: bad content"; }
framed "{$fields}" | plaintext field-missing "$(bad)" "says: access_token_expiry is missing"
framed "${json/\"$cs\"/null}" | plaintext field-null "$(bad)" "says: consumer_secret is not a text"
framed "${json/\"$cs\"/\"\"}" | plaintext field-empty "$(bad)" "says: consumer_secret is missing or empty"
framed "${json/\"$cs\"/17}" | plaintext field-number "$(bad)" "says: consumer_secret is not a text"
framed "${json/consumer_secret/Consumer_Secret}" | plaintext field-in-another-case "$(bad)" "says: consumer_secret is missing"
framed "{\"access_token\":\"AT_1\",${json#\{}" | plaintext field-twice "$(bad)" "says: a name comes twice"
framed "${json/$as/${as}\\r\\nX-Header: 1}" | plaintext field-with-line-end "$(bad)" "says: access_secret is not printable ASCII"
framed "${json/$as/$(hex 1100 a)}" | plaintext field-too-long "$(bad)" "says: access_secret is longer than 1024 bytes"
framed "${json/$expiry/tomorrow}" | plaintext expiry-no-time "$(bad)" "says: access_token_expiry is not a time"
framed "${json/$expiry/9999-12-31T23:59:59Z}" | plaintext expiry-far "$(bad)" "says: access_token_expiry is not between"
framed "$json$json" | plaintext two-objects "$(bad)" "says: not one JSON object"
framed "[$json]" | plaintext array "$(bad)" "says: not one JSON object"
framed "${json%?}" | plaintext json-cut "$(bad)" "says: not one JSON object"
framed "$json" | sed '$d' | plaintext without-end-line "$(bad)" "says: the line END MESSAGE is missing"
framed "$(framed "$json")" | plaintext begin-line-twice "$(bad)" "says: BEGIN MESSAGE comes twice"
printf '%sDear Apple,\r\n%s' "$header" "$json" | plaintext text-before "$(bad)" "says: something comes before"
printf '%snothing here' "$header" | plaintext no-json "$(bad)" "says: no JSON object"
printf 'Hello' | plaintext letter "expect: cannot decrypt" "comment: it begins like no token, so that nothing is said about it"
head -c 600 /dev/zero | plaintext binary "expect: cannot decrypt"

# Files for somebody else.
seal -aes128 $(to other) <"$tmp/plain" | smime | vector recipient-unknown "expect: unknown recipient" "says: another certificate"
seal -keyid -aes128 $(to other) <"$tmp/plain" | smime | vector recipient-unknown-key-identifier "expect: unknown recipient" "names: key identifier"
seal -aes128 $(to one) <"$tmp/plain" | smime | vector recipient-unknown-serial-one "expect: unknown recipient" "keys: one-again acme"
seal -aes128 $(to renamed) <"$tmp/plain" | smime | vector recipient-with-another-key "expect: cannot decrypt" "says: download it again" \
	"comment: it names our certificate, but was encrypted to another key"
{ head -c -40 "$tmp/der"; head -c 40 /dev/zero; } | smime | vector ciphertext-altered "expect: cannot decrypt"

# Encrypted messages that no server token is.
unsupported=("expect: unsupported" "says: encrypted in a way that server tokens are not")
seal -aes-128-gcm $(to acme) <"$tmp/plain" | smime | vector unsupported-authenticated "${unsupported[@]}"
seal -camellia128 $(to acme) <"$tmp/plain" | smime | vector unsupported-camellia "${unsupported[@]}"
seal -aes128 $(to curve) <"$tmp/plain" | smime | vector unsupported-curve "${unsupported[@]}"
seal -aes128 -pwri_password test <"$tmp/plain" | smime | vector unsupported-password "${unsupported[@]}"
seal -aes128 $(oaep sha512 sha512) <"$tmp/plain" | smime | vector unsupported-oaep-sha512 "${unsupported[@]}"

# Files that are something else.
isnt() { # KIND NAME: the vector of a file that is something else
	vector "not-$2" "expect: not a server token: $1" "says: this is a"
}
content='{"expDate":"2027-11-24T21:27:41+0000","token":"dGVzdHRlc3R0ZXN0dGVzdA==","orgName":"Acme Inc."}'
base64 -w 0 <<<"$content" | isnt "content token" content-token
isnt "content token" content-token-json <<<"$content"
isnt certificate certificate <keys/acme.pem
openssl x509 -in keys/acme.pem -outform DER | isnt certificate certificate-der
openssl x509 -in keys/negative.pem -trustout | isnt certificate certificate-trusted
openssl x509 -in keys/acme.pem -outform DER | base64 | isnt certificate certificate-base64
openssl x509 -in keys/acme.pem -text | isnt certificate certificate-with-text
isnt "push certificate" push-certificate <keys/push.pem
openssl x509 -in keys/push.pem -outform DER | isnt "push certificate" push-certificate-der
openssl req -new -key keys/acme.key.pem -subj "/CN=Acme MDM" | isnt "certificate signing request" request
openssl req -new -key keys/acme.key.pem -subj "/CN=Acme MDM" -outform DER | isnt "certificate signing request" request-der
isnt "private key" private-key <keys/acme.key.pem
openssl rsa -traditional -in keys/acme.key.pem 2>/dev/null | isnt "private key" private-key-pkcs1
openssl pkcs8 -topk8 -in keys/acme.key.pem -passout pass:test | isnt "private key" private-key-locked
openssl pkcs8 -topk8 -in keys/acme.key.pem -passout pass:test -outform DER | isnt "private key" private-key-locked-der
openssl pkcs8 -topk8 -nocrypt -in keys/acme.key.pem -outform DER | isnt "private key" private-key-der
openssl rsa -traditional -in keys/acme.key.pem -outform DER 2>/dev/null | isnt "private key" private-key-pkcs1-der
openssl ec -in keys/curve.key.pem -outform DER 2>/dev/null | isnt "private key" private-key-curve-der
cat keys/acme.pem keys/acme.key.pem | isnt "private key" private-key-with-certificate
openssl pkey -in keys/acme.key.pem -pubout | isnt "public key" public-key
openssl pkey -in keys/acme.key.pem -pubout -outform DER | isnt "public key" public-key-der
openssl pkcs12 -export -inkey keys/acme.key.pem -in keys/acme.pem -passout pass:test | isnt "PKCS #12 file" pkcs12
sign() { openssl cms -sign -signer keys/acme.pem -inkey keys/acme.key.pem "$@" <"$tmp/plain"; }
sign -nodetach -outform DER | isnt "signed message" signed-der
sign -nodetach -stream -outform SMIME | isnt "signed message" signed
openssl cms -sign -signer keys/acme.pem -inkey keys/acme.key.pem -outform SMIME <<<"Hello" | isnt "signed message" signed-beside-its-text
sign -outform SMIME | isnt "decrypted token" decrypted-token-signed
sign -nodetach -outform PEM | isnt "signed message" signed-pem
openssl crl2pkcs7 -nocrl -certfile keys/acme.pem | isnt "signed message" certificates-only
openssl cms -data_create -outform DER -in "$tmp/plain" | isnt "message of another type" cms-data
openssl cms -digest_create -outform DER -in "$tmp/plain" | isnt "message of another type" cms-digest
openssl cms -EncryptedData_encrypt -aes128 -secretkey "$(hex 32 1)" -outform DER -in "$tmp/plain" | isnt "message of another type" cms-encrypted-data
isnt "decrypted token" decrypted-token <"$tmp/plain"
isnt "decrypted token" decrypted-token-without-lines <"$tmp/sample"
isnt "decrypted token" decrypted-token-json <<<"$json"
isnt "JSON file" json <<<'{"errors":[{"code":"UNAUTHORIZED"}]}'
isnt "web page" web-page <<<'<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in with your Managed Apple Account</body></html>'
printf '\xef\xbb\xbf\r\n<!-- saved from url=(0024)https://business.apple.com/ -->\r\n<HTML><BODY>Your session has timed out</BODY></HTML>' | isnt "web page" web-page-saved
printf 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body>Sign in</body></html>' | isnt "web page" web-page-with-header
plist='<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd"><plist version="1.0"><dict/></plist>'
isnt "property list" property-list <<<"$plist"
base64 -w 0 <<<"$plist" | isnt "property list" property-list-base64
printf 'bplist00\xd0\x08\x00\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09' | isnt "property list" property-list-binary
printf 'PK\x03\x04\x14\x00\x00\x00\x08\x00token_smime.p7m' | isnt "zip archive" zip
printf 'PK\x03\x04\x14\x00\x00\x00\x08\x00token_smime.p7m' | base64 | isnt "zip archive" zip-base64
printf '%%PDF-1.7\n%%\xe2\xe3\xcf\xd3\n1 0 obj\n' | isnt "PDF document" pdf
printf '%%PDF-1.7\n\x00\n' | isnt "PDF document" pdf-binary
isnt "file of an unknown kind" text <<<'The token is in the attachment.'
printf '\x7fELF\x02\x01\x01\x00\x00\x00\x00' | isnt "file of an unknown kind" program
printf '\x30\x06\x02\x01\x2a\x02\x01\x2a' | isnt "file of an unknown kind" der
isnt "empty file" empty </dev/null
printf '\xef\xbb\xbf \r\n\t\r\n' | isnt "empty file" blank
head -c 5000 /dev/zero | isnt "empty file" zeros
head -c 1200 "$tmp/file" | isnt "truncated download" truncated
head -c 200 "$tmp/file" | isnt "truncated download" truncated-in-the-header
head -n 5 "$tmp/file" | isnt "truncated download" truncated-after-the-header
head -c -5 "$tmp/file" | isnt "truncated download" truncated-near-the-end
head -c 700 "$tmp/der" | isnt "truncated download" truncated-der
head -c -2 "$tmp/ber" | isnt "truncated download" truncated-ber
head -n 10 form-pem-cms.txt | sed '1,/^$/d' | isnt "truncated download" truncated-pem
base64 -w 76 <"$tmp/der" | head -c 1000 | isnt "truncated download" truncated-base64
sed '8s/./*/' "$tmp/file" | isnt "damaged message" damaged-character
sed '9d' "$tmp/file" | isnt "damaged message" damaged-line-lost
{ cat "$tmp/der"; echo more; } | isnt "damaged message" damaged-with-more
{ cat "$tmp/file"; echo; sed '1,/^$/d' "$tmp/file"; } | isnt "damaged message" damaged-twice
head -c 4096 /dev/zero | tr '\0' a | vector too-large "expect: too large" "says: too large" "repeat: 65" "comment: the body 65 times over"
