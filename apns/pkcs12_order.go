package apns

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	encoding "encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// plainFirst writes a .p12 file anew with the part first that shows its private key, under a new checksum. The reader
// stops at a second key: so a key hidden in an encrypted part, whose cost nobody can see, is never opened.
func plainFirst(der []byte, password string) ([]byte, error) {
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
	return seal(safe, password, p.mac != nil)
}

var (
	oidHMACWithSHA256 = encoding.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	macSalt           = []byte("abmrenew") // the checksum protects nothing: it is verified at once, in this process
)

// seal wraps the parts into a file again, with a checksum of RFC 9579 under the same password where there was one.
func seal(safe []byte, password string, withMAC bool) ([]byte, error) {
	var mac []byte
	if withMAC {
		key, err := pbkdf2.Key(sha256.New, password, macSalt, 1, sha256.Size)
		if err != nil {
			return nil, unsupported("its checksum cannot be made here (" + err.Error() + ")")
		}
		sum := hmac.New(sha256.New, key)
		sum.Write(safe)
		mac = sum.Sum(nil)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidData)
			b.AddASN1(tagExplicit, func(b *cryptobyte.Builder) { b.AddASN1OctetString(safe) })
		})
		if withMAC {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { addMAC(b, mac) })
		}
	})
	return b.Bytes()
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
