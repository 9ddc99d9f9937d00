@testable import JWTIdentity

/// Tokens of `spiffe://example.org/worker` for `reports`, of each algorithm, that Python's `cryptography` signed with keys
/// that it made; valid from 1,800,000,000 to 1,800,003,600.
enum ForeignTokens {
    /// The bundle document of the keys.
    static let document = #"""
        {"keys":[
        {"kty":"RSA","use":"jwt-svid","kid":"rsa","n":"ooTeeLnrrq9uaMubsPbWgcUWum9ngJc6mw_QHOA3NeemBipD5AV4DIEA-_EZ1AcmiyJXFoGkRW89dWr-nHnrQZyrKMC3issqW6EQW7Kqm9mBmaFJxcLgRnExU6z7BVuPZPD_w26W0aWo4OA4QBeheTeLYaAoDKZ9RmZ1Eazd9r11YN5J8ViFrvl_J-ocA-4RNJdoMWkzDt1TGA4RcBxTH1AdGiEWl9ZbroB-FhagyePILXXVdo9n1tT6AFaTAGpVWSxQFnLecFpLXn236busXKsFXuAhXi-TMZibn2hFSVbhf8qgb7UnE5SesnchOoAN_OWNkS5-RSX-c67Bn-6W5w","e":"AQAB"},
        {"kty":"EC","use":"jwt-svid","kid":"ec256","crv":"P-256","x":"XHb9KVEGba_xjsy4I4sqaEXXQYYY2A8FTbYWGB1aMjg","y":"_z8pgqKsdDpyPbEke_21MaEV_A9MFJN4e2FcroVRrAY"},
        {"kty":"EC","use":"jwt-svid","kid":"ec384","crv":"P-384","x":"DLpAnxtMyz7OoibK-bw5mGdU8NFK2Au5Tdi75wKJ-cPVDBV98HhRaVPIWl6VkuRD","y":"3dLK0wvLBa-vuojVmzn5RG6KCxYKvYpiVr1yISX2Oc9JGMeDYNXIryu8ngiwgi2z"},
        {"kty":"EC","use":"jwt-svid","kid":"ec512","crv":"P-521","x":"AQW_sYv2kiNPWp4GohMZ5PtRQkgK9HUsBPwPkj45jyECqh0noYIUIKSNOuY97jt658FN2nz3bhDr4eZRzwGwCcRE","y":"AOOTnWipAbP-zRwNke1T0ML8YjE-qNIOnJs54tIg1fwfdtFKlRVmQIOBRRVvVHyrRJPwWedLw54BY88dwv3R4KDE"}
        ]}
        """#

    /// Each algorithm's token.
    static let tokens: [(TokenAlgorithm, String)] = [
        (
            .rs256,
            "eyJhbGciOiAiUlMyNTYiLCAidHlwIjogIkpXVCIsICJraWQiOiAicnNhIn0.eyJzdWIiOiAic3BpZmZlOi8vZXhhbX"
                + "BsZS5vcmcvd29ya2VyIiwgImF1ZCI6IFsicmVwb3J0cyJdLCAiZXhwIjogMTgwMDAwMzYwMCwgImlhdCI6IDE4MDAw"
                + "MDAwMDAsICJuYmYiOiAxODAwMDAwMDAwfQ.Co3zXF_nNWNVzi7IqpoX0-TyaLdrn4BgXUYwN4lwmvTooieuPAImfyk"
                + "_WX__b7-SFc0lDCSSPN50o27ShB2Ndx20JJkDkoFfjYfkc_8BJd7ezgCyKdXE5t721f2EMeP99gQAD8WmGU1M-7tE3"
                + "y3hjl6VPWH2ECGWLbJIx3D9kkJlROx6eXpbfXtCY7pVXa_8e97XnVI4mdoQrTFLLfIignVJey7EvKnR1D5xkZvlzuD"
                + "m5SML_XUZf_DDyQkVy31eOAZOwOWSC0brBEy8A2Mb7hMY32DVrGyFSCU55dHZ8kQ7J9JvH_e7WgWEI3XFFj8KzEYXw"
                + "vDpalIaKDve4Ydfvg"
        ),
        (
            .rs384,
            "eyJhbGciOiAiUlMzODQiLCAidHlwIjogIkpXVCIsICJraWQiOiAicnNhIn0.eyJzdWIiOiAic3BpZmZlOi8vZXhhbX"
                + "BsZS5vcmcvd29ya2VyIiwgImF1ZCI6IFsicmVwb3J0cyJdLCAiZXhwIjogMTgwMDAwMzYwMCwgImlhdCI6IDE4MDAw"
                + "MDAwMDAsICJuYmYiOiAxODAwMDAwMDAwfQ.UIKXLuBj4zm5idZQYn00FocCWjEVwOz3DxBZ5K2f-EfNwATgO3bw2Dd"
                + "4UDpYB8O6d2luPiVCl_i-iST_ZzbGbovxgdNxv_XfjLykDyvRtYMJtgVrrkMG7go7Okabrs--jBa4eNKgfAGtq-SaK"
                + "ZxcfavE2Lqr1WMyqJrC84WFL1FAgD6gChfnbJ57uCDFY3unMz4RXfOmMAoAO5XFWZH2zW22SqatMdmOLzlnoqnemNP"
                + "MjuuSJAITAIsy77InhPw8B9sfh7zYjZuXQFy770zG30gLol5HrVSKjoZjPf-gqMHbbATEPg2zvB3YMrpRiDWNfFqpF"
                + "LXgoPtJEUF9IQ5fYw"
        ),
        (
            .rs512,
            "eyJhbGciOiAiUlM1MTIiLCAidHlwIjogIkpXVCIsICJraWQiOiAicnNhIn0.eyJzdWIiOiAic3BpZmZlOi8vZXhhbX"
                + "BsZS5vcmcvd29ya2VyIiwgImF1ZCI6IFsicmVwb3J0cyJdLCAiZXhwIjogMTgwMDAwMzYwMCwgImlhdCI6IDE4MDAw"
                + "MDAwMDAsICJuYmYiOiAxODAwMDAwMDAwfQ.bScbLRYzmCepxDyLXPcHRyT92Nxff9jQilOpWpoeBgLAd6niuDCvOAE"
                + "tmcQRl_Gl3a28y0WqEUzD0645Yx1d7r8RJ8remkbf_C8T2M4fbo6rZGVn2uDryKy_es58blwphD-BqNH1fSN5pw43Z"
                + "INs-Y-bs6-ojGtyV7rzI88f3rZgMpHwus6rQ0MA_cJKXsE9b978DNR3hS1j7QQswsQ5D23M-kt04-HJPeKKFq2zMmL"
                + "opzMnP9utSOesGxvXCo45QbEwgEZLRvezjdpFasclCIBoTvAMiU3fNxCnbHwg2tVRoHUSMcOlGdzCSm9upWwl51uHw"
                + "HsAXUwsTpO4HpXPzA"
        ),
        (
            .es256,
            "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogIkpXVCIsICJraWQiOiAiZWMyNTYifQ.eyJzdWIiOiAic3BpZmZlOi8vZXh"
                + "hbXBsZS5vcmcvd29ya2VyIiwgImF1ZCI6IFsicmVwb3J0cyJdLCAiZXhwIjogMTgwMDAwMzYwMCwgImlhdCI6IDE4M"
                + "DAwMDAwMDAsICJuYmYiOiAxODAwMDAwMDAwfQ.iqKc5GE1npGsmyuV4mY8tZzf53lbqNjDw7Of9_WTMLWyxP5Bq4Jw"
                + "KreHq7G4yUcQKgaRAL-8HMvzpB-Ph8Z6xA"
        ),
        (
            .es384,
            "eyJhbGciOiAiRVMzODQiLCAidHlwIjogIkpXVCIsICJraWQiOiAiZWMzODQifQ.eyJzdWIiOiAic3BpZmZlOi8vZXh"
                + "hbXBsZS5vcmcvd29ya2VyIiwgImF1ZCI6IFsicmVwb3J0cyJdLCAiZXhwIjogMTgwMDAwMzYwMCwgImlhdCI6IDE4M"
                + "DAwMDAwMDAsICJuYmYiOiAxODAwMDAwMDAwfQ.KpIgrOKM0PIDfh3XFqqZ_tCgMyaO8X96NEiAHFL5OHYYoZ0OszBk"
                + "6cUmrXzQYfWM3wp3feGONardirpb1Y_8EOpEoZi1eSvQUfBRTIqzuRbc1UICh-UuDoVMIOgZX9NL"
        ),
        (
            .es512,
            "eyJhbGciOiAiRVM1MTIiLCAidHlwIjogIkpXVCIsICJraWQiOiAiZWM1MTIifQ.eyJzdWIiOiAic3BpZmZlOi8vZXh"
                + "hbXBsZS5vcmcvd29ya2VyIiwgImF1ZCI6IFsicmVwb3J0cyJdLCAiZXhwIjogMTgwMDAwMzYwMCwgImlhdCI6IDE4M"
                + "DAwMDAwMDAsICJuYmYiOiAxODAwMDAwMDAwfQ.APs2UlV9k8XJ9IpfxRhnVKpgtpojDmNp-Q_vUTaEp6zmFMERY5nP"
                + "U9RLcWldaNMVR8_isGAFmMKDW7R1uuUbzxwXAGYJ75SrcE9yWfiJGtTILm5ixpLbJNwhwzCzoDhvUyulAqHNYwzmhc"
                + "FL_540Q0aEUyuRlaVT9DAewjEiqanOYRda"
        ),
        (
            .ps256,
            "eyJhbGciOiAiUFMyNTYiLCAidHlwIjogIkpXVCIsICJraWQiOiAicnNhIn0.eyJzdWIiOiAic3BpZmZlOi8vZXhhbX"
                + "BsZS5vcmcvd29ya2VyIiwgImF1ZCI6IFsicmVwb3J0cyJdLCAiZXhwIjogMTgwMDAwMzYwMCwgImlhdCI6IDE4MDAw"
                + "MDAwMDAsICJuYmYiOiAxODAwMDAwMDAwfQ.WIz2BvRJz40JKtutiSxDVtEeh1F6-7Eh0WO8EpxnZvKRdTXePknFAzF"
                + "6KoDRIqMJaMHY-NoDtP6J2PKOKvPD6783YM0n44tXbqatuvoEWsuMEBrzqSWZh-tp8nv5EmQMyDZfebza9BcgpVv2-"
                + "YOj89rGo6-D-fGdtH5OpXmPB-GUhkcqAIeSGeJh9mPfl14HVxNdv-cAbg8y7IVRWd89TeEtaXB6l5ux1pp9wo5fF9W"
                + "dWw0amSOBBR6zwF0kgbWkcYoaaXtjQx-agjiPoTCS0aJAOsehTOm3AQfubPTnJ-C9IYOiONfJl1fOd5_nDEgXI-6m-"
                + "khgR48gJhH7h_c3Qg"
        ),
        (
            .ps384,
            "eyJhbGciOiAiUFMzODQiLCAidHlwIjogIkpXVCIsICJraWQiOiAicnNhIn0.eyJzdWIiOiAic3BpZmZlOi8vZXhhbX"
                + "BsZS5vcmcvd29ya2VyIiwgImF1ZCI6IFsicmVwb3J0cyJdLCAiZXhwIjogMTgwMDAwMzYwMCwgImlhdCI6IDE4MDAw"
                + "MDAwMDAsICJuYmYiOiAxODAwMDAwMDAwfQ.H3HhFb3GmdpMWmKBpkLL1yjCvLLJvILuaBoVV_BExKpg9xQIdnOaIeZ"
                + "jmgSaLtVGpeGiYGeyHIP5G262iA9xB31ok-bmH-AVTO9TboR9hlUKEn9sv9iBIlS3ZQ9pzTNOxOtEUHMMfoMZPuk8b"
                + "PjO6sL6I-6aU_zfS6P4MOWSz18VxAo1kAgbEMcFOKvtOdBzJPGST1ubsUw7dJ9KsOC5z4KQ4DiyXbKWOeVFTgOU1CY"
                + "gIyi3GWGIR9opuhRKm660AYtE22n1BBujTRf88tXTs4slNvjYB2R7kaWJj9HevpqiZkxzxArZhWJNT05Y3a0I8tlx5"
                + "Ro9XEWo8n-sLm2j4g"
        ),
        (
            .ps512,
            "eyJhbGciOiAiUFM1MTIiLCAidHlwIjogIkpXVCIsICJraWQiOiAicnNhIn0.eyJzdWIiOiAic3BpZmZlOi8vZXhhbX"
                + "BsZS5vcmcvd29ya2VyIiwgImF1ZCI6IFsicmVwb3J0cyJdLCAiZXhwIjogMTgwMDAwMzYwMCwgImlhdCI6IDE4MDAw"
                + "MDAwMDAsICJuYmYiOiAxODAwMDAwMDAwfQ.oa78Ij1LyR95BI3fIXHTNtBYQNDuKRN3Wq3UIeU95_9htU1HMPCnhR2"
                + "Co1N-quWE1KaYsGZfoBgYLUXOC2vNldmRRJNZ8QaNE88Ztw4apfRd4-tTwbJVphC-dBBMv0qlFklEkIZf4DJWiC7nQ"
                + "In6dpIhRb3yDi7dYHB76fi66FdGTFAAsO0Hu5Fc7qf9k2H3GvBxQgHwt0Wwu4-7wX7gugyoY-BxBfsIWdkWF78Gtid"
                + "1gkB0RK9k2hSi3snRSYYB_ciMsA3X86_0MLGWTiaxHbpctxfMcucrmf-XCYQHYEW-w9R0-muQDW4C_91mVS0tIAUl2"
                + "M_-GLu4WI_RTA0e1g"
        ),
    ]
}
