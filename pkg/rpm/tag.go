// SPDX-License-Identifier: Apache-2.0

package rpm

import "fmt"

// A tag numbers a field of a header (rpm include/rpm/rpmtag.h). The two headers
// of a package number theirs separately.
type tag uint32

// Tags of the main header.
const (
	tagRegion         tag = 63 // HEADERIMMUTABLE
	tagName           tag = 1000
	tagVersion        tag = 1001
	tagRelease        tag = 1002
	tagEpoch          tag = 1003
	tagBuildTime      tag = 1006
	tagBuildHost      tag = 1007
	tagArch           tag = 1022
	tagOldFilenames   tag = 1027
	tagFileSizes      tag = 1028
	tagFileModes      tag = 1030
	tagFileLinkTos    tag = 1036
	tagFileFlags      tag = 1037
	tagSourceRPM      tag = 1044
	tagProvideName    tag = 1047
	tagRequireFlags   tag = 1048
	tagRequireName    tag = 1049
	tagRequireVer     tag = 1050
	tagNoSource       tag = 1051
	tagNoPatch        tag = 1052
	tagConflictName   tag = 1054
	tagCookie         tag = 1094
	tagFileDevices    tag = 1095
	tagFileInodes     tag = 1096
	tagProvideFlags   tag = 1112
	tagProvideVer     tag = 1113
	tagDirIndexes     tag = 1116
	tagBaseNames      tag = 1117
	tagDirNames       tag = 1118
	tagDistURL        tag = 1123
	tagPayloadFormat  tag = 1124
	tagCompressor     tag = 1125
	tagFileDependsX   tag = 1143
	tagFileDependsN   tag = 1144
	tagDependsDict    tag = 1145
	tagSourcePkgID    tag = 1146
	tagLongFileSizes  tag = 5008
	tagRecommendName  tag = 5046
	tagRecommendVer   tag = 5047
	tagRecommendFlag  tag = 5048
	tagSuggestName    tag = 5049
	tagSupplementName tag = 5052
	tagEnhanceName    tag = 5055
	tagPayloadDigest  tag = 5092 // PAYLOADSHA256 in v6
	tagPayloadAlgo    tag = 5093
	tagRPMFormat      tag = 5114
	tagPayloadSHA512  tag = 5121
	tagPayloadSHA3    tag = 5123 // SHA3-256
)

// Tags of the signature header.
const (
	sigRegion        tag = 62  // HEADERSIGNATURES
	sigDSA           tag = 267 // signature of the header
	sigRSA           tag = 268 // signature of the header
	sigSHA1          tag = 269
	sigLongSize      tag = 270
	sigLongArchive   tag = 271 // LONGARCHIVESIZE
	sigSHA256        tag = 273
	sigFiles         tag = 274 // FILESIGNATURES, one per file (IMA)
	sigFilesLen      tag = 275
	sigVerity        tag = 276 // VERITYSIGNATURES, one per file (fs-verity)
	sigVerityAlgo    tag = 277
	sigOpenPGP       tag = 278 // signatures of the header, v6
	sigSHA3          tag = 279 // SHA3-256
	sigReserved      tag = 999 // room for signatures, v6
	sigSize          tag = 1000
	sigPGP           tag = 1002 // signature of header and payload
	sigMD5           tag = 1004
	sigGPG           tag = 1005 // signature of header and payload
	sigPGP5          tag = 1006 // signature of header and payload
	sigPayloadSize   tag = 1007
	sigReservedSpace tag = 1008 // room for signatures, v4
)

var tagNames = map[tag]string{
	tagName: "NAME", tagVersion: "VERSION", tagRelease: "RELEASE", tagEpoch: "EPOCH",
	tagBuildTime: "BUILDTIME", tagBuildHost: "BUILDHOST", tagArch: "ARCH",
	tagOldFilenames: "OLDFILENAMES", tagFileSizes: "FILESIZES", tagFileModes: "FILEMODES",
	tagFileLinkTos: "FILELINKTOS", tagFileFlags: "FILEFLAGS", tagSourceRPM: "SOURCERPM",
	tagProvideName: "PROVIDENAME", tagProvideFlags: "PROVIDEFLAGS", tagProvideVer: "PROVIDEVERSION",
	tagRequireName: "REQUIRENAME", tagRequireFlags: "REQUIREFLAGS", tagRequireVer: "REQUIREVERSION",
	tagRecommendName: "RECOMMENDNAME", tagRecommendFlag: "RECOMMENDFLAGS", tagRecommendVer: "RECOMMENDVERSION",
	tagConflictName: "CONFLICTNAME", tagSuggestName: "SUGGESTNAME", tagSupplementName: "SUPPLEMENTNAME", tagEnhanceName: "ENHANCENAME",
	tagNoSource: "NOSOURCE", tagNoPatch: "NOPATCH", tagCookie: "COOKIE", tagSourcePkgID: "SOURCEPKGID",
	tagFileDevices: "FILEDEVICES", tagFileInodes: "FILEINODES",
	tagDirIndexes: "DIRINDEXES", tagBaseNames: "BASENAMES", tagDirNames: "DIRNAMES",
	tagFileDependsX: "FILEDEPENDSX", tagFileDependsN: "FILEDEPENDSN", tagDependsDict: "DEPENDSDICT",
	tagDistURL: "DISTURL", tagPayloadFormat: "PAYLOADFORMAT", tagCompressor: "PAYLOADCOMPRESSOR",
	tagLongFileSizes: "LONGFILESIZES", tagRPMFormat: "RPMFORMAT",
	tagPayloadDigest: "PAYLOADDIGEST", tagPayloadAlgo: "PAYLOADDIGESTALGO",
	tagPayloadSHA512: "PAYLOADSHA512", tagPayloadSHA3: "PAYLOADSHA3_256",
}

// String gives number and, where this package uses the tag of the main header,
// name: "1117 (BASENAMES)".
func (t tag) String() string {
	if name, ok := tagNames[t]; ok {
		return fmt.Sprintf("%d (%s)", uint32(t), name)
	}
	return fmt.Sprint(uint32(t))
}

// A dataType is the type of a tag's value. Integers are big endian and aligned
// to their size; strings end with a NUL.
type dataType uint32

const (
	typeChar        dataType = 1
	typeInt8        dataType = 2
	typeInt16       dataType = 3
	typeInt32       dataType = 4
	typeInt64       dataType = 5
	typeString      dataType = 6
	typeBin         dataType = 7
	typeStringArray dataType = 8
	typeI18NString  dataType = 9
)

// size is the size of one element in bytes, 0 for strings.
func (t dataType) size() uint32 {
	switch t {
	case typeChar, typeInt8, typeBin:
		return 1
	case typeInt16:
		return 2
	case typeInt32:
		return 4
	case typeInt64:
		return 8
	}
	return 0
}

func (t dataType) String() string {
	names := [...]string{"null", "char", "int8", "int16", "int32", "int64", "string", "binary", "string array", "translated string"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("type %d", uint32(t))
}
