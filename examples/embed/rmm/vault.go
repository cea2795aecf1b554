package rmm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
)

func newVault(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal encrypts what goes into a column; of nothing it makes a null.
func (a *App) seal(plain []byte) []byte {
	if len(plain) == 0 {
		return nil
	}
	nonce := make([]byte, a.vault.NonceSize())
	_, _ = rand.Read(nonce) // it does not fail
	return a.vault.Seal(nonce, nonce, plain, nil)
}

// open is the way back.
func (a *App) open(sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	n := a.vault.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("rmm: a sealed column is too short")
	}
	return a.vault.Open(nil, sealed[:n], sealed[n:], nil)
}
