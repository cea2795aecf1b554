package abmtoken

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// MaxFile is how many bytes a server token's file may have. Apple's have about 5 KiB. A host that reads from the
// network stops there.
const MaxFile = 256 << 10

// Envelope is a .p7m file that was read but not decrypted. It never changes and is safe for concurrent use.
type Envelope struct {
	content   *enveloped
	exception bool
}

// ReadEnvelope reads a server token's file as Apple's portal hands it out, or what is left of it after a mail, a
// ticket or an editor: S/MIME with its header in any order, folded or broken, base64 without a header, PEM, or the
// bare message in DER or BER (Apple, "Examining Server Tokens"; RFC 5652 and RFC 8551).
//
// Its errors match [ErrTooLarge], [ErrNotServerToken] (a [*NotServerTokenError] says what the file is instead) and
// [ErrUnsupported]. The file may be changed afterwards. No file costs more than a few passes over its bytes.
func ReadEnvelope(file []byte) (e *Envelope, err error) {
	defer contain(&err)
	if len(file) > MaxFile {
		return nil, ErrTooLarge
	}
	der, err := message(file)
	if err != nil {
		return nil, err
	}
	content, err := readEnveloped(der)
	if err != nil {
		return nil, err
	}
	return &Envelope{content: content}, nil
}

// Recipients says who the file was made for.
func (e *Envelope) Recipients() []RecipientInfo {
	infos := make([]RecipientInfo, 0, len(e.content.recipients))
	for _, r := range e.content.recipients {
		info := RecipientInfo{Recipient: r.recipient, KeyTransport: "unsupported"}
		if r.keyID != nil {
			info.KeyID = hex.EncodeToString(r.keyID)
		} else {
			info.Issuer = nameText(r.issuer)
			info.Serial = strings.ToUpper(integer(r.serial).Text(16))
		}
		if r.scheme != nil {
			info.KeyTransport = r.scheme.name
		}
		infos = append(infos, info)
	}
	return infos
}

// Cipher is how the content is encrypted: "aes128-cbc" (which Apple uses), "aes192-cbc", "aes256-cbc" or
// "des-ede3-cbc".
func (e *Envelope) Cipher() string { return e.content.cipher.name }

// For reports whether the file names the certificate of this pair, by issuer and serial number or by its key's
// identifier. Systems that give every certificate the same serial number make it say so for several pairs: see
// [KeyPair.UniqueRecipient].
func (e *Envelope) For(k KeyPair) bool {
	for i := range e.content.recipients {
		if e.content.recipients[i].isFor(k) {
			return true
		}
	}
	return false
}

func (r *keyTransport) isFor(k KeyPair) bool {
	switch {
	case k.IsZero():
		return false
	case r.keyID == nil:
		return k.HasCertificate() && r.recipient == k.recipient
	case k.cert.keyIdentifier != nil && bytes.Equal(r.keyID, k.cert.keyIdentifier):
		return true
	default:
		return identifiesKey(r.keyID, &k.private().PublicKey)
	}
}

// AllowFIPSException returns the same envelope, to be opened even where the process runs with GODEBUG=fips140=only.
// Apple leaves no choice: it encrypts keys with RSA PKCS #1 v1.5, which that mode forbids. Only the decryption of
// this file is excepted.
func (e *Envelope) AllowFIPSException() *Envelope {
	return &Envelope{content: e.content, exception: true}
}

// Open decrypts the file with the pair that it was made for, and returns the token and that pair. Pairs whose
// certificate is unknown or shares its serial number with others are tried one after the other if the file names
// no pair for sure; each try takes one RSA operation.
//
// Its errors match [ErrUnknownRecipient], [ErrDecrypt], [ErrBadContent], [ErrUnsupported] and [ErrFIPS]. The token may
// be expired.
func (e *Envelope) Open(keys ...KeyPair) (_ Token, _ KeyPair, err error) {
	defer contain(&err)
	tries, named := e.tries(keys)
	if len(tries) == 0 {
		return Token{}, KeyPair{}, ErrUnknownRecipient
	}
	fault := ErrUnknownRecipient
	if named {
		fault = ErrDecrypt
	}
	work := make([]byte, len(e.content.ciphertext))
	var hindrance error
	tried := false
	for _, t := range tries {
		if err := e.hindrance(t.recipient); err != nil {
			hindrance = err
			continue
		}
		tried = true
		plain, ok := e.decrypt(t, work)
		if !ok || !isText(plain) {
			continue
		}
		token, err := readToken(plain)
		switch {
		case err == nil:
			return token, t.key, nil
		case beginsAsToken(plain):
			return Token{}, KeyPair{}, err
		}
	}
	if !tried {
		fault = hindrance
	}
	return Token{}, KeyPair{}, fault
}

// hindrance says why a recipient's key cannot be used, before any secret is touched.
func (e *Envelope) hindrance(r *keyTransport) error {
	switch {
	case r.scheme == nil:
		return unsupported("its key is encrypted with neither PKCS #1 v1.5 nor OAEP with SHA-1 or SHA-256")
	case !e.exception && !e.content.allowed(r):
		return fmt.Errorf("%w (%s, %s)", ErrFIPS, r.scheme.name, e.content.cipher.name)
	}
	return nil
}

func (e *Envelope) decrypt(t try, work []byte) (plain []byte, ok bool) {
	if e.exception {
		withoutFIPS(func() { plain, ok = e.content.decrypt(t.recipient, t.key.private(), work) })
		return plain, ok
	}
	return e.content.decrypt(t.recipient, t.key.private(), work)
}

// try is one key for one recipient of the file.
type try struct {
	key       KeyPair
	recipient *keyTransport
}

// tries are what may open the file, the likeliest first. Named: the file names one of the pairs for sure, and no other
// is tried.
func (e *Envelope) tries(keys []KeyPair) (tries []try, named bool) {
	var likely, possible []try
	for _, k := range keys {
		for i := range e.content.recipients {
			r := &e.content.recipients[i]
			switch isFor := r.isFor(k); {
			case k.IsZero():
			case isFor && (r.keyID != nil || k.UniqueRecipient()): // it can mean no other pair
				tries = append(tries, try{k, r})
			case isFor:
				likely = append(likely, try{k, r})
			case !k.UniqueRecipient():
				possible = append(possible, try{k, r})
			}
		}
	}
	if len(tries) > 0 {
		return tries, true
	}
	return append(likely, possible...), false
}

// Open reads and decrypts a server token's file and refuses a token that has expired by now. Its errors are those of
// [ReadEnvelope] and [Envelope.Open], and [ErrExpired], with which the token and its pair are returned too.
func Open(file []byte, now time.Time, keys ...KeyPair) (Token, KeyPair, error) {
	e, err := ReadEnvelope(file)
	if err != nil {
		return Token{}, KeyPair{}, err
	}
	token, pair, err := e.Open(keys...)
	if err != nil {
		return Token{}, KeyPair{}, err
	}
	if token.Expired(now) {
		return token, pair, fmt.Errorf("%w on %s", ErrExpired, token.Expires().Format(time.DateOnly))
	}
	return token, pair, nil
}
