package main

import (
	"bytes"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/abmrenew/abmrenew/enrollment"
)

// openInput opens a file that the command line names; "-" is standard input.
func (h *host) openInput(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(h.in), nil
	}
	f, err := os.Open(path)
	if err == nil {
		info, statErr := f.Stat()
		if statErr == nil && !info.IsDir() {
			return f, nil
		}
		err = errors.Join(statErr, f.Close(), errors.New(path+" is no file"))
	}
	problem := wrong("file", "a file that exists and may be read").Because(err)
	problem.Title, problem.Next = "The file "+path+" cannot be read", "Check its name and its permissions: "+err.Error()
	return nil, problem
}

// readInput reads a file of a bounded size; one byte more shows that it is larger.
func (h *host) readInput(path string, most int64) ([]byte, error) {
	f, err := h.openInput(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, wrong("file", "readable to its end: "+err.Error()).Because(err)
	}
	return text, nil
}

// writeNew writes a file that did not exist, durably.
func writeNew(path string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return taken(path)
	}
	if err != nil {
		return wrong("out", "a place where a file can be made: "+err.Error()).Because(err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		_ = os.Remove(path)
		return wrong("out", "a place where a file can be written: "+err.Error()).Because(err)
	}
	return nil
}

// writeCertificate writes a certificate. It replaces nothing but certificates.
func writeCertificate(path string, text []byte) error {
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return writeNew(path, text, 0o644)
	}
	if err != nil {
		return wrong("out", "a place where a file can be made: "+err.Error()).Because(err)
	}
	for rest := bytes.TrimSpace(old); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return taken(path)
		}
	}
	fresh := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	_ = os.Remove(fresh)
	if err := writeNew(fresh, text, 0o644); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return wrong("out", "a place where a file can be replaced: "+err.Error()).Because(err)
	}
	return nil
}

func taken(path string) error {
	problem := enrollment.NewProblem(enrollment.CodeRefused, "file", path)
	problem.Title, problem.Next = "There is already a file "+path, "Choose another place; this program overwrites no file but a certificate"
	return problem
}
