package appletest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" // tokens of other makers use 3DES
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"fmt"
)

// Cipher is a content encryption of a token file.
type Cipher string

// The ciphers. Apple's documented sample uses AES128; what `openssl smime -encrypt` makes is often TripleDES.
const (
	AES128    Cipher = "aes128-cbc"
	AES192    Cipher = "aes192-cbc"
	AES256    Cipher = "aes256-cbc"
	TripleDES Cipher = "des-ede3-cbc"
)

// Encoded object identifiers and algorithms.
var (
	oidEnveloped = unhex("06092a864886f70d010703")
	oidData      = unhex("06092a864886f70d010701")
	rsaAlgorithm = unhex("300d06092a864886f70d0101010500") // rsaEncryption, NULL: PKCS#1 v1.5
)

type cipherInfo struct {
	oid      []byte
	key      int
	newBlock func([]byte) (cipher.Block, error)
}

var ciphers = map[Cipher]cipherInfo{
	AES128:    {unhex("0609608648016503040102"), 16, aes.NewCipher},
	AES192:    {unhex("0609608648016503040116"), 24, aes.NewCipher},
	AES256:    {unhex("060960864801650304012a"), 32, aes.NewCipher},
	TripleDES: {unhex("06082a864886f70d0307"), 24, des.NewTripleDESCipher},
}

// chunk is the length of the parts that the encrypted content is cut into.
const chunk = 256

// envelope encrypts a text for a certificate as CMS EnvelopedData, with the encoding of Apple's documented sample:
// version 0, one recipient by issuer and serial, RSA PKCS#1 v1.5, indefinite lengths, content in parts.
func envelope(c *certificate, text []byte, with Cipher, der bool, random func(int) []byte) (cms []byte, err error) {
	// A fake may do what GODEBUG=fips140=only forbids: it protects nothing.
	fips140.WithoutEnforcement(func() { cms, err = encrypt(c, text, with, der, random) })
	return cms, err
}

func encrypt(c *certificate, text []byte, with Cipher, der bool, random func(int) []byte) ([]byte, error) {
	info, ok := ciphers[with]
	if !ok {
		return nil, fmt.Errorf("appletest: unknown cipher %q", with)
	}
	key := random(info.key)
	block, err := info.newBlock(key)
	if err != nil {
		return nil, err
	}
	// Apple's form is PKCS#1 v1.5; nothing is decrypted here, so there is no oracle.
	encryptedKey, err := rsa.EncryptPKCS1v15(rand.Reader, c.public, key) //nolint:staticcheck // see above
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	iv := random(block.BlockSize())
	padding := block.BlockSize() - len(text)%block.BlockSize()
	content := append(bytes.Clone(text), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(content, content)

	version := definite(tagInteger, []byte{0})
	recipient := definite(tagSequence, version,
		definite(tagSequence, c.issuer, c.serial), rsaAlgorithm, definite(tagOctetString, encryptedKey))
	algorithm := definite(tagSequence, info.oid, definite(tagOctetString, iv))
	wrap, body := indefinite, indefinite(tagContext0, chunks(content, chunk)...)
	if der {
		wrap, body = definite, definite(tagContext0&^0x20, content)
	}
	return wrap(tagSequence, oidEnveloped,
		wrap(tagContext0, wrap(tagSequence, version, definite(tagSet, recipient),
			wrap(tagSequence, oidData, algorithm, body)))), nil
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err) // constants of this file
	}
	return b
}
