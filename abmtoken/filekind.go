package abmtoken

import "strings"

// FileKind says what a file is.
type FileKind string

// The kinds of files that people upload instead of a server token.
const (
	FileEmpty        FileKind = "empty file"
	FileTruncated    FileKind = "truncated download"
	FileDamaged      FileKind = "damaged message"
	FileContentToken FileKind = "content token" // .vpptoken of Apps and Books
	FileCertificate  FileKind = "certificate"
	FilePushCert     FileKind = "push certificate"
	FileRequest      FileKind = "certificate signing request"
	FilePrivateKey   FileKind = "private key"
	FilePublicKey    FileKind = "public key"
	FilePKCS12       FileKind = "PKCS #12 file"
	FileSigned       FileKind = "signed message"
	FileOtherCMS     FileKind = "message of another type"
	FileTokenJSON    FileKind = "decrypted token"
	FilePlist        FileKind = "property list"
	FileHTML         FileKind = "web page"
	FileZip          FileKind = "zip archive"
	FilePDF          FileKind = "PDF document"
	FileJSON         FileKind = "JSON file"
	FileUnknown      FileKind = "file of an unknown kind"
)

const downloadAgain = "download the server token again from your device management service in Apple Business " +
	"or School Manager and upload that .p7m file unchanged"

var advice = map[FileKind]string{
	FileEmpty:     "there is nothing in it; " + downloadAgain,
	FileTruncated: "its end is missing; " + downloadAgain,
	FileDamaged:   "it was changed on the way; " + downloadAgain,
	FileContentToken: "it licenses apps and belongs to Apps and Books; the server token is the .p7m file behind " +
		"\"Download Token\" of your device management service",
	FileCertificate: "this is the half that you upload to Apple; save it there at your device management service, " +
		"then choose \"Download Token\" and upload the .p7m file that you get",
	FilePushCert: "it belongs to the push certificate renewal; the server token is the .p7m file behind " +
		"\"Download Token\" of your device management service",
	FileRequest: "it is for the push certificate portal; the server token is the .p7m file behind " +
		"\"Download Token\" of your device management service",
	FilePrivateKey: "keep it secret and do not upload it anywhere; if it left your hands, make a new key pair; " +
		"the server token is the .p7m file behind \"Download Token\" of your device management service",
	FilePublicKey: "Apple wants a certificate, and you get a .p7m file in return; " + downloadAgain,
	FilePKCS12: "it holds a private key with its certificate: keep it secret; the server token is the .p7m file " +
		"behind \"Download Token\" of your device management service",
	FileSigned:   "server tokens are encrypted and not signed; " + downloadAgain,
	FileOtherCMS: "server tokens are enveloped messages; " + downloadAgain,
	FileTokenJSON: "it is readable, so treat it as a leaked secret: " + downloadAgain +
		", which replaces the leaked one",
	FilePlist: "perhaps an enrollment or configuration profile; " + downloadAgain,
	FileHTML: "the browser saved a page, perhaps of a sign-in that had timed out; sign in again and " +
		downloadAgain,
	FileZip:     "unpack it and upload the .p7m file inside, if there is one; else " + downloadAgain,
	FilePDF:     downloadAgain,
	FileJSON:    downloadAgain,
	FileUnknown: downloadAgain,
}

// Advice tells a technician what to do about such a file: one sentence without a capital or a full stop.
func (k FileKind) Advice() string {
	if text, ok := advice[k]; ok {
		return text
	}
	return advice[FileUnknown]
}

// article is the indefinite article that goes with the kind.
func (k FileKind) article() string {
	if k != "" && strings.ContainsRune("aeiouAEIOU", rune(k[0])) {
		return "an"
	}
	return "a"
}
