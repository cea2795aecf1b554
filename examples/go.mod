module github.com/abmrenew/abmrenew/examples

go 1.26.0

require github.com/abmrenew/abmrenew v0.0.0

require (
	github.com/dghubble/oauth1 v0.7.3 // indirect
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	github.com/micromdm/plist v0.2.2 // indirect
	go.etcd.io/bbolt v1.5.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sync v0.25.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/text v0.44.0 // indirect
	software.sslmate.com/src/go-pkcs12 v0.7.4 // indirect
)

require (
	github.com/alecthomas/kong v1.17.0
	github.com/hiddeco/sshsig v0.2.0
	github.com/stretchr/testify v1.12.1
	golang.org/x/crypto v0.59.0
)

replace github.com/abmrenew/abmrenew => ../
