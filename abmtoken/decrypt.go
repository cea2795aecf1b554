package abmtoken

import (
	"crypto/cipher"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
)

const maxKey = 32 // bytes, of AES-256

// decrypt gives the plaintext for a key, or fails. Failing says nothing about the reason: where the RSA block does not
// hold a key of the right length, a random one takes its place (RFC 3218, section 2.3.2), and the padding of the
// content is checked in constant time. The result of decrypting with a wrong key is no text, which the caller sees.
//
// Work is a buffer for the result, as long as the ciphertext.
func (e *enveloped) decrypt(r *keyTransport, key *rsa.PrivateKey, work []byte) (plain []byte, ok bool) {
	if len(r.encryptedKey) != key.Size() {
		return nil, false
	}
	var buffer [maxKey]byte
	contentKey := buffer[:e.cipher.key]
	_, _ = rand.Read(contentKey) // never fails
	if !r.scheme.unwrap(key, r.encryptedKey, contentKey) {
		return nil, false
	}
	block, err := e.cipher.open(contentKey)
	if err != nil {
		return nil, false
	}
	work = work[:copy(work, e.ciphertext)]
	cipher.NewCBCDecrypter(block, e.iv).CryptBlocks(work, work)
	return unpad(work, e.cipher.block)
}

// unwrap decrypts the content's key into contentKey, or leaves that as it is. False: the block is no number below the
// modulus, which everybody can see.
func (s *transportScheme) unwrap(key *rsa.PrivateKey, encrypted, contentKey []byte) bool {
	if s.hash == 0 {
		//nolint:staticcheck // deprecated for what it takes to use it rightly; it is the one way to read PKCS #1 v1.5
		return rsa.DecryptPKCS1v15SessionKey(nil, key, encrypted, contentKey) == nil
	}
	opened, err := key.Decrypt(nil, encrypted, &rsa.OAEPOptions{Hash: s.hash, MGFHash: s.mgf})
	if err == nil && len(opened) == len(contentKey) {
		copy(contentKey, opened)
	}
	return true
}

// unpad takes off the padding of CBC mode (RFC 5652, section 6.3) in a time that depends on the length only.
func unpad(b []byte, block int) ([]byte, bool) {
	size := int(b[len(b)-1])
	good := subtle.ConstantTimeLessOrEq(1, size) & subtle.ConstantTimeLessOrEq(size, block)
	for i := range block {
		inPadding := subtle.ConstantTimeLessOrEq(i+1, size)
		same := subtle.ConstantTimeByteEq(b[len(b)-1-i], byte(size))
		good &= subtle.ConstantTimeSelect(inPadding, same, 1)
	}
	return b[:len(b)-good*size], good == 1
}

// allowed reports whether the process may decrypt for this recipient.
func (e *enveloped) allowed(r *keyTransport) bool {
	return !fips140.Enforced() || e.cipher.fips && r.scheme.fips()
}
