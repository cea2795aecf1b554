package abmtoken

import (
	"crypto/rsa"
	"errors"
	"math/big"
)

// ReadDecrypted gives tests the step after decryption.
func ReadDecrypted(plain []byte) (token Token, err error) {
	defer contain(&err)
	return readToken(plain)
}

// Decrypt gives tests what the file holds, whether it is a token or not.
func (e *Envelope) Decrypt(keys ...KeyPair) ([]byte, bool) {
	tries, _ := e.tries(keys)
	for _, t := range tries {
		if plain, ok := e.decrypt(t, make([]byte, len(e.content.ciphertext))); ok {
			return plain, true
		}
	}
	return nil, false
}

// PrivateKey gives tests the key for an oracle.
func PrivateKey(k KeyPair) *rsa.PrivateKey { return k.private() }

// Unpad gives tests the judge of the padding.
func Unpad(b []byte, block int) ([]byte, bool) { return unpad(b, block) }

// SerialNumber gives tests what a certificate gets.
func SerialNumber() *big.Int { return serialNumber() }

// Counted is the same pair; n counts how often its private key is taken to decrypt.
func Counted(k KeyPair, n *int) KeyPair {
	private := k.private
	k.private = func() *rsa.PrivateKey { *n++; return private() }
	return k
}

// GuardBER gives tests the guard; cut tells that bytes are missing at the end.
func GuardBER(b []byte) (nodes int, cut bool, err error) {
	nodes, err = guardBER(b)
	return nodes, errors.Is(err, errCut), err
}

// WithCertificate gives tests the joining of a key and a certificate, without the cost of reading the key again.
func WithCertificate(k KeyPair, der []byte) (pair KeyPair, err error) {
	defer contain(&err)
	return newKeyPair(k.private(), der)
}
