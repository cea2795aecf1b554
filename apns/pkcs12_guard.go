package apns

import (
	"bytes"
	encoding "encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Deriving a key from a password is work by design, and the file says how much: 2,048 rounds where OpenSSL wrote it, up to
// some hundred thousand where the author was careful.
const (
	maxRounds   = 600_000
	maxContents = 2 // parts of a file: one with the key and one with the certificates
	maxBags     = 16
)

var (
	oidData          = encoding.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidEncryptedData = encoding.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
	oidKeyBag        = encoding.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
	oidShroudedBag   = encoding.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	oidPBES2         = encoding.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBMAC1        = encoding.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 14}
	oidPBKDF2        = encoding.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
)

var tagExplicit = asn1.Tag(0).ContextSpecific().Constructed()

func unsupported(why string) error { return fmt.Errorf("%w: %s; export it anew", ErrUnsupported, why) }

// pfx is a .p12 file taken apart as far as it can be without the password (RFC 7292).
type pfx struct {
	contents []content
	mac      cryptobyte.String // nil: none
}

// content is one part of it.
type content struct {
	raw  cryptobyte.String // the whole element
	open bool              // not encrypted: its bags, or that they are encrypted one by one, can be seen
	keys int               // bags with a private key, as far as they can be seen
}

// isPKCS12 tells a .p12 file from a certificate: it begins with its version, 3. One that is cut or not in DER is one, too.
func isPKCS12(file []byte) bool {
	at := bytes.Index(file[:min(len(file), 9)], []byte{byte(asn1.INTEGER), 1, 3})
	return file[0] == sequence && at >= 2
}

// checkPKCS12 refuses a file that would cost more than any that is honest.
func checkPKCS12(der []byte) error {
	_, err := takeApart(der)
	return err
}

func takeApart(der []byte) (pfx, error) {
	in := cryptobyte.String(der)
	var body, safe, kind, wrapped, contents cryptobyte.String
	var version int
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() || !body.ReadASN1Integer(&version) || version != 3 ||
		!body.ReadASN1(&safe, asn1.SEQUENCE) || !safe.ReadASN1(&kind, asn1.OBJECT_IDENTIFIER) ||
		!safe.ReadASN1(&wrapped, tagExplicit) || !wrapped.ReadASN1(&contents, asn1.OCTET_STRING) || !wrapped.Empty() {
		return pfx{}, unsupported("it is damaged, signed, or not in DER, as some browsers write it")
	}
	var p pfx
	if !body.Empty() {
		p.mac = body
		if err := checkMAC(body); err != nil {
			return pfx{}, err
		}
	}
	var list cryptobyte.String
	if !contents.ReadASN1(&list, asn1.SEQUENCE) || !contents.Empty() {
		return pfx{}, unsupported("it is damaged")
	}
	for !list.Empty() {
		var raw cryptobyte.String
		if !list.ReadASN1Element(&raw, asn1.SEQUENCE) || len(p.contents) == maxContents {
			return pfx{}, unsupported("it is damaged or has too many parts")
		}
		one, err := readContent(raw)
		if err != nil {
			return pfx{}, err
		}
		p.contents = append(p.contents, one)
	}
	return p, nil
}

// readContent looks at one part: into an open one, and at what an encrypted one costs.
func readContent(raw cryptobyte.String) (content, error) {
	out := content{raw: raw}
	var body, wrapped cryptobyte.String
	var kind encoding.ObjectIdentifier
	if in := raw; !in.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1ObjectIdentifier(&kind) ||
		!body.ReadASN1(&wrapped, tagExplicit) || !body.Empty() {
		return content{}, unsupported("it is damaged")
	}
	switch {
	case kind.Equal(oidEncryptedData):
		var data, info, algorithm cryptobyte.String
		var version int
		if !wrapped.ReadASN1(&data, asn1.SEQUENCE) || !data.ReadASN1Integer(&version) || !data.ReadASN1(&info, asn1.SEQUENCE) ||
			!info.SkipASN1(asn1.OBJECT_IDENTIFIER) || !info.ReadASN1(&algorithm, asn1.SEQUENCE) {
			return content{}, unsupported("it is damaged")
		}
		return out, checkAlgorithm(algorithm)
	case kind.Equal(oidData):
		var text, bags cryptobyte.String
		if !wrapped.ReadASN1(&text, asn1.OCTET_STRING) || !text.ReadASN1(&bags, asn1.SEQUENCE) || !text.Empty() {
			return content{}, unsupported("it is damaged")
		}
		out.open = true
		return out, out.readBags(bags)
	}
	return content{}, unsupported("a part of it is encrypted in an unusual way")
}

// readBags counts private keys, and looks at what opening them costs.
func (c *content) readBags(bags cryptobyte.String) error {
	for n := 0; !bags.Empty(); n++ {
		var bag, value, info, algorithm cryptobyte.String
		var kind encoding.ObjectIdentifier
		if n == maxBags || !bags.ReadASN1(&bag, asn1.SEQUENCE) || !bag.ReadASN1ObjectIdentifier(&kind) ||
			!bag.ReadASN1(&value, tagExplicit) {
			return unsupported("it is damaged or holds too much")
		}
		if (kind.Equal(oidKeyBag) || kind.Equal(oidShroudedBag)) && len(value) > maxKey {
			return unsupported("its private key has too many bits; 2048 to 4096 are taken")
		}
		switch {
		case kind.Equal(oidKeyBag):
			c.keys++
		case kind.Equal(oidShroudedBag):
			c.keys++
			if !value.ReadASN1(&info, asn1.SEQUENCE) || !info.ReadASN1(&algorithm, asn1.SEQUENCE) {
				return unsupported("it is damaged")
			}
			if err := checkAlgorithm(algorithm); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkMAC looks at what checking the password costs.
func checkMAC(mac cryptobyte.String) error {
	var data, digest, algorithm cryptobyte.String
	var kind encoding.ObjectIdentifier
	rounds := 1
	if !mac.ReadASN1(&data, asn1.SEQUENCE) || !mac.Empty() || !data.ReadASN1(&digest, asn1.SEQUENCE) ||
		!digest.ReadASN1(&algorithm, asn1.SEQUENCE) || !data.SkipASN1(asn1.OCTET_STRING) ||
		!data.Empty() && !data.ReadASN1Integer(&rounds) {
		return unsupported("its check of the password is damaged or absurd")
	}
	whole := algorithm
	if !whole.ReadASN1ObjectIdentifier(&kind) {
		return unsupported("its check of the password is damaged")
	}
	if kind.Equal(oidPBMAC1) {
		return checkAlgorithm(algorithm)
	}
	return checkRounds(rounds)
}

// checkAlgorithm looks at how often a password is hashed for a key: the parameters of PBES1 have it themselves, those of
// PBES2 and PBMAC1 inside those of PBKDF2 (RFC 8018).
func checkAlgorithm(algorithm cryptobyte.String) error {
	var kind encoding.ObjectIdentifier
	var parameters, derivation, inner cryptobyte.String
	damaged := unsupported("its encryption is damaged or unknown")
	if !algorithm.ReadASN1ObjectIdentifier(&kind) || !algorithm.ReadASN1(&parameters, asn1.SEQUENCE) {
		return damaged
	}
	if kind.Equal(oidPBES2) || kind.Equal(oidPBMAC1) {
		var function encoding.ObjectIdentifier
		if !parameters.ReadASN1(&derivation, asn1.SEQUENCE) || !derivation.ReadASN1ObjectIdentifier(&function) ||
			!function.Equal(oidPBKDF2) || !derivation.ReadASN1(&inner, asn1.SEQUENCE) {
			return damaged
		}
		parameters = inner
	}
	var rounds int
	if !parameters.SkipASN1(asn1.OCTET_STRING) || !parameters.ReadASN1Integer(&rounds) {
		return damaged
	}
	return checkRounds(rounds)
}

func checkRounds(rounds int) error {
	if rounds < 1 || rounds > maxRounds {
		return unsupported("its password is to be hashed an absurd number of times")
	}
	return nil
}
