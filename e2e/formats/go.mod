module github.com/obs-btf-guard/obs-btf-guard/e2e/formats

go 1.26.0

require (
	github.com/joshdk/go-junit v1.0.0
	github.com/obs-btf-guard/obs-btf-guard v0.0.0
	github.com/owenrumney/go-sarif/v3 v3.3.1
	github.com/xeipuuv/gojsonschema v1.2.0
)

require (
	github.com/xeipuuv/gojsonpointer v0.0.0-20180127040702-4e3ac2762d5f // indirect
	github.com/xeipuuv/gojsonreference v0.0.0-20180127040603-bd5ef7bd5415 // indirect
)

replace github.com/obs-btf-guard/obs-btf-guard => ../..
