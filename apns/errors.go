package apns

import "errors"

var (
	// ErrTooLarge says that the file is larger than any with a certificate is.
	ErrTooLarge = errors.New("apns: the file is too large for a push certificate; upload the .pem file of Apple's portal")
	// ErrFile says that the file is something else; the error is a [*FileError], which says what.
	ErrFile = errors.New("apns: not a certificate")
	// ErrPassword says that the password does not open the .p12 file, or that the file is damaged.
	ErrPassword = errors.New("apns: the password does not open this .p12 file: check it, or export the file anew")
	// ErrUnsupported says that the .p12 file is built in a way that is not read, and which.
	ErrUnsupported = errors.New("apns: this .p12 file is not supported")
)

// FileKind says what a file is.
type FileKind string

// The kinds of files that people upload instead of a push certificate.
const (
	FileEmpty       FileKind = "empty file"
	FileDamaged     FileKind = "damaged certificate"
	FilePrivateKey  FileKind = "private key without a certificate"
	FileRequest     FileKind = "certificate signing request"
	FileServerToken FileKind = "server token or another message (.p7m)"
	FilePlist       FileKind = "property list"
	FileHTML        FileKind = "web page"
	FileZip         FileKind = "zip archive"
	FileUnknown     FileKind = "file of an unknown kind"
)

const portalFile = "download the certificate at Apple's push certificate portal and upload that .pem file"

var advice = map[FileKind]string{
	FileRequest:     "it is what you upload at Apple's push certificate portal; upload here the .pem file that you get there",
	FilePrivateKey:  "keep it secret; with it belongs the .pem file of Apple's push certificate portal",
	FileServerToken: "it belongs to the renewal of the server token; " + portalFile,
	FilePlist:       "perhaps it is what you upload at Apple's push certificate portal; upload here the .pem file that you get there",
	FileZip:         "unpack it and upload the .pem file inside",
}

// Advice tells a technician what to do about such a file: one sentence without a capital or a full stop.
func (k FileKind) Advice() string {
	if text, ok := advice[k]; ok {
		return text
	}
	return portalFile
}

// FileError says what a refused file is instead. It matches [ErrFile].
type FileError struct{ Kind FileKind }

func (e *FileError) Error() string {
	return "apns: not a certificate: " + string(e.Kind) + ": " + e.Kind.Advice()
}

// Is makes errors.Is(err, ErrFile) true.
func (e *FileError) Is(target error) bool { return target == ErrFile }

func refuse(kind FileKind) error { return &FileError{Kind: kind} }
