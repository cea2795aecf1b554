package apns

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	encoding "encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// plainFirst writes a .p12 file anew with the part first that shows its private key, under a new checksum. The reader
// stops at a second key: so a key hidden in an encrypted part, whose cost nobody can see, is never opened.
func plainFirst(der []byte, sum checksum) ([]byte, error) {
	p, err := takeApart(der)
	if err != nil {
		return nil, err
	}
	keys := 0
	var contents cryptobyte.Builder
	contents.AddASN1(asn1.SEQUENCE, func(list *cryptobyte.Builder) {
		for _, open := range []bool{true, false} {
			for _, c := range p.contents {
				if c.open == open {
					keys += c.keys
					list.AddBytes(c.raw)
				}
			}
		}
	})
	safe, err := contents.Bytes()
	if err != nil || keys != 1 {
		return nil, unsupported("it must have exactly one private key, beside the certificates and not encrypted together with them")
	}
	if p.mac == nil {
		sum = nil
	}
	return seal(safe, sum)
}

var (
	oidHMACWithSHA256 = encoding.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidSHA256         = encoding.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	macSalt           = []byte("abmrenew") // the checksum protects nothing: it is verified at once, in this process
)

// checksum tells the reader under which password a file was written.
type checksum func(safe []byte) (add func(*cryptobyte.Builder), err error)

// seal wraps the parts into a file again, with a checksum unless it is nil.
func seal(safe []byte, sum checksum) ([]byte, error) {
	add := func(*cryptobyte.Builder) {}
	if sum != nil {
		mac, err := sum(safe)
		if err != nil {
			return nil, err
		}
		add = func(b *cryptobyte.Builder) { b.AddASN1(asn1.SEQUENCE, mac) }
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidData)
			b.AddASN1(tagExplicit, func(b *cryptobyte.Builder) { b.AddASN1OctetString(safe) })
		})
		add(b)
	})
	return b.Bytes()
}

func hmacOf(key, safe []byte) []byte {
	sum := hmac.New(sha256.New, key)
	sum.Write(safe)
	return sum.Sum(nil)
}

// under makes a checksum of RFC 9579.
func under(password string) checksum {
	return func(safe []byte) (func(*cryptobyte.Builder), error) {
		key, err := pbkdf2.Key(sha256.New, password, macSalt, 1, sha256.Size)
		if err != nil {
			return nil, unsupported("its checksum cannot be made here (" + err.Error() + ")")
		}
		return func(b *cryptobyte.Builder) { addMAC(b, hmacOf(key, safe)) }, nil
	}
}

// underNoBytes makes a checksum under a password of no bytes at all, as some programs write for none; others write two
// bytes of zero. Only the form of RFC 7292, appendix B, tells them apart; this is its key for one round.
func underNoBytes(safe []byte) (func(*cryptobyte.Builder), error) {
	const purpose = 3 // a checksum
	key := sha256.Sum256(append(bytes.Repeat([]byte{purpose}, sha256.BlockSize), bytes.Repeat(macSalt, sha256.BlockSize/len(macSalt))...))
	return func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidSHA256) })
			b.AddASN1OctetString(hmacOf(key[:], safe))
		})
		b.AddASN1OctetString(macSalt)
		b.AddASN1Int64(1)
	}, nil
}

func addMAC(b *cryptobyte.Builder, mac []byte) {
	hmacSHA256 := func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidHMACWithSHA256) })
	}
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidPBMAC1)
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(oidPBKDF2)
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1OctetString(macSalt)
						b.AddASN1Int64(1)
						b.AddASN1Int64(sha256.Size)
						hmacSHA256(b)
					})
				})
				hmacSHA256(b)
			})
		})
		b.AddASN1OctetString(mac)
	})
	b.AddASN1OctetString(nil) // a salt, which RFC 9579 has ignored
}
