package abmtoken

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

const maxRecipients = 16

var (
	tag0            = asn1.Tag(0).ContextSpecific()
	tag0Constructed = tag0.Constructed()
	tag1Constructed = asn1.Tag(1).ContextSpecific().Constructed()
)

// enveloped is an EnvelopedData (RFC 5652, section 6.1; in PKCS #7 the same), as far as it is of use.
type enveloped struct {
	recipients []keyTransport
	cipher     *contentCipher
	iv         []byte
	ciphertext []byte
}

// keyTransport is one KeyTransRecipientInfo. It has either issuer and serial, or a key identifier.
type keyTransport struct {
	recipient      Recipient
	issuer, serial []byte
	keyID          []byte
	scheme         *transportScheme // nil: one that is not supported
	encryptedKey   []byte
}

func unsupported(what string) error { return fmt.Errorf("%w: %s", ErrUnsupported, what) }

// readEnveloped reads a message that the guard has let through.
func readEnveloped(der []byte) (*enveloped, error) {
	rest := cryptobyte.String(der)
	var info, contentType, outer, content cryptobyte.String
	if !readElement(&rest, &info, asn1.SEQUENCE) || !readElement(&info, &contentType, asn1.OBJECT_IDENTIFIER) {
		return nil, refuse(sniffDER(der))
	}
	switch string(contentType) {
	case oidEnvelopedData:
	case oidSignedData:
		return nil, refuse(FileSigned)
	case oidAuthEnvelopedData:
		return nil, unsupported("authenticated encryption")
	default:
		return nil, refuse(FileOtherCMS)
	}
	if !readElement(&info, &outer, tag0Constructed) || !info.Empty() ||
		!readElement(&outer, &content, asn1.SEQUENCE) || !outer.Empty() {
		return nil, refuse(FileDamaged)
	}
	var version, originator, recipients, encrypted, attributes cryptobyte.String
	if !readElement(&content, &version, asn1.INTEGER) {
		return nil, refuse(FileDamaged)
	}
	if content.PeekASN1Tag(tag0Constructed) && !readElement(&content, &originator, tag0Constructed) {
		return nil, refuse(FileDamaged)
	}
	if !readElement(&content, &recipients, asn1.SET) || !readElement(&content, &encrypted, asn1.SEQUENCE) {
		return nil, refuse(FileDamaged)
	}
	if content.PeekASN1Tag(tag1Constructed) && !readElement(&content, &attributes, tag1Constructed) || !content.Empty() {
		return nil, refuse(FileDamaged)
	}
	e := new(enveloped)
	if err := e.readRecipients(recipients); err != nil {
		return nil, err
	}
	if err := e.readContent(encrypted); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *enveloped) readRecipients(set cryptobyte.String) error {
	others := false
	for !set.Empty() {
		var info cryptobyte.String
		var tag asn1.Tag
		if !readAny(&set, &info, &tag) {
			return refuse(FileDamaged)
		}
		if tag != asn1.SEQUENCE { // key agreement, passwords and so on
			others = true
			continue
		}
		if len(e.recipients) == maxRecipients {
			return unsupported("more than 16 recipients")
		}
		r, ok := readKeyTransport(info)
		if !ok {
			return refuse(FileDamaged)
		}
		others = others || r.scheme == nil
		e.recipients = append(e.recipients, r)
	}
	for _, r := range e.recipients {
		if r.scheme != nil {
			return nil
		}
	}
	if others {
		return unsupported("it is not encrypted to the RSA key of a certificate")
	}
	return refuse(FileDamaged)
}

func readKeyTransport(info cryptobyte.String) (r keyTransport, ok bool) {
	var version, id, algorithm, issuer, serial, key cryptobyte.String
	var tag asn1.Tag
	if !readElement(&info, &version, asn1.INTEGER) || !readAny(&info, &id, &tag) {
		return r, false
	}
	switch tag {
	case asn1.SEQUENCE:
		if !readElement(&id, &issuer, asn1.SEQUENCE) || !readElement(&id, &serial, asn1.INTEGER) || len(serial) == 0 {
			return r, false
		}
		r.issuer, r.serial, r.recipient = issuer, serial, issuerAndSerial(issuer, serial)
	case tag0, tag0Constructed:
		if r.keyID, ok = octets(id, tag); !ok || len(r.keyID) == 0 {
			return r, false
		}
		r.recipient = keyIdentifier(r.keyID)
	default:
		return r, false
	}
	if !readElement(&info, &algorithm, asn1.SEQUENCE) || !readAny(&info, &key, &tag) || !info.Empty() {
		return r, false
	}
	if tag != asn1.OCTET_STRING && tag != asn1.OCTET_STRING|constructed {
		return r, false
	}
	r.scheme = readTransportScheme(algorithm)
	r.encryptedKey, ok = octets(key, tag)
	return r, ok
}

func (e *enveloped) readContent(content cryptobyte.String) error {
	var contentType, algorithm, oid, iv, text cryptobyte.String
	var tag asn1.Tag
	if !readElement(&content, &contentType, asn1.OBJECT_IDENTIFIER) || !readElement(&content, &algorithm, asn1.SEQUENCE) ||
		!readElement(&algorithm, &oid, asn1.OBJECT_IDENTIFIER) {
		return refuse(FileDamaged)
	}
	if string(contentType) != oidData {
		return unsupported("its content is not plain data")
	}
	if e.cipher = contentCiphers[string(oid)]; e.cipher == nil {
		return unsupported("its content cipher is none of AES-128, AES-192, AES-256 and triple DES in CBC mode")
	}
	if !readElement(&algorithm, &iv, asn1.OCTET_STRING) || len(iv) != e.cipher.block || !algorithm.Empty() {
		return refuse(FileDamaged)
	}
	if !readAny(&content, &text, &tag) || !content.Empty() || tag != tag0 && tag != tag0Constructed {
		return refuse(FileDamaged)
	}
	var ok bool
	e.iv = iv
	if e.ciphertext, ok = octets(text, tag); !ok || len(e.ciphertext) == 0 || len(e.ciphertext)%e.cipher.block != 0 {
		return refuse(FileDamaged)
	}
	return nil
}
